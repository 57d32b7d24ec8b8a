using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Dns;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Services.Smtpd;

namespace Mta.Tools.Sendmail;

/// <summary>
/// sendmail -bs: an SMTP session on standard input and output, for programs that speak it. It is smtpd(8) run by the user himself: no access
/// rules, and mail goes to maildrop like that of the command line.
/// </summary>
internal static class SmtpSubmission
{
    public static async Task<int> RunAsync(Terminal terminal, SendmailOptions options, CancellationToken cancellationToken)
    {
        if (await ToolConfiguration.LoadAsync(terminal, options.ConfigDirectory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return ExitCode.TemporaryFailure;
        }

        var log = NoLog.Instance;
        var time = TimeProvider.System;
        await using var tables = new TableRegistry(log, time);
        using var deadlines = new DeadlineSweeper(time);
        var environment = new SmtpdEnvironment
        {
            Cleanup = new MaildropCleanup(settings, LocalUser.Current.Id),
            Tables = tables,
            Dns = new DnsResolver(settings),
            Log = log,
            Time = time,
            Deadlines = deadlines,
        };
        try
        {
            await using var server = new SmtpServer(environment, new SmtpServerOptions(), new SmtpdSnapshot(settings, new NoRouting()));
            await server.ServeAsync(terminal.Input, terminal.Output, cancellationToken).ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is SmtpdConfigException or SettingsException)
        {
            return terminal.Fatal(e.Message, ExitCode.TemporaryFailure);
        }
    }

    /// <summary>Every address is taken as it is: what becomes of it is decided when the message is queued.</summary>
    private sealed class NoRouting : IAddressResolver
    {
        public ValueTask<Resolution> ResolveAsync(string sender, string recipient, CancellationToken cancellationToken) =>
            new(new Resolution(ResolveOutcome.Ok, AddressClass.Default, "smtp", "", recipient));

        public string Rewrite(string address, bool localContext) => address;
    }
}
