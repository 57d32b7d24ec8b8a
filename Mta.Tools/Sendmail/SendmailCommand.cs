using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Core.Submission;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Storage.Maildrop;

namespace Mta.Tools.Sendmail;

/// <summary>
/// sendmail(1), mailq(1), newaliases(1): the interface of Sendmail that programs know.
/// A message goes to maildrop in the database, or to the spool directory while the database cannot be reached.
/// As in Postfix, whatever is wrong ends with EX_TEMPFAIL: callers keep the mail and say so.
/// </summary>
internal static class SendmailCommand
{
    private const int Failed = ExitCode.TemporaryFailure;

    public static Task<int> RunAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken)
    {
        if (SendmailOptions.Parse(terminal, arguments) is not { } options)
        {
            return Task.FromResult(Failed);
        }

        return options.Mode switch
        {
            SendmailMode.ListQueue => OtherAsync(terminal, "postqueue", [.. Directory(options), "-p"], cancellationToken),
            SendmailMode.Flush when options.FlushSite is { } site => OtherAsync(terminal, "postqueue", [.. Directory(options), "-s", site], cancellationToken),
            SendmailMode.Flush when options.FlushQueueId is { } id => OtherAsync(terminal, "postqueue", [.. Directory(options), "-i", id], cancellationToken),
            SendmailMode.Flush => OtherAsync(terminal, "postqueue", [.. Directory(options), "-f"], cancellationToken),
            SendmailMode.Daemon => OtherAsync(terminal, "postfix", [.. Directory(options), "start"], cancellationToken),
            SendmailMode.BuildAliases => BuildAliasesAsync(terminal, options, cancellationToken),
            SendmailMode.Smtp => SmtpSubmission.RunAsync(terminal, options, cancellationToken),
            _ => DeliverAsync(terminal, options, cancellationToken),
        };
    }

    private static string[] Directory(SendmailOptions options) => options.ConfigDirectory is { } directory ? ["-c", directory] : [];

    private static async Task<int> OtherAsync(Terminal terminal, string name, string[] arguments, CancellationToken cancellationToken)
    {
        using var other = terminal.Named(name);
        return await CommandTable.Find(name)!(other, arguments, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<int> BuildAliasesAsync(Terminal terminal, SendmailOptions options, CancellationToken cancellationToken)
    {
        if (await ToolConfiguration.LoadAsync(terminal, options.ConfigDirectory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return Failed;
        }

        IReadOnlyList<string> databases = options.AliasDatabase is { } one ? [one] : ValueList.Split(settings.Get(Parameters.AliasDatabase));
        return databases.Count == 0
            ? ExitCode.Ok
            : await OtherAsync(
                terminal,
                "postalias",
                [.. Directory(options), .. Enumerable.Repeat("-v", options.Verbosity), "--", .. databases],
                cancellationToken).ConfigureAwait(false);
    }

    private static async Task<int> DeliverAsync(Terminal terminal, SendmailOptions options, CancellationToken cancellationToken)
    {
        if (await ToolConfiguration.LoadAsync(terminal, options.ConfigDirectory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return Failed;
        }

        var user = LocalUser.Current;
        var who = $"{(user.Name.Length > 0 ? user.Name : "unknown")}({user.Id})";
        if (await RefusedAsync(settings, user, cancellationToken).ConfigureAwait(false) is { } refused)
        {
            return terminal.Fatal($"User {refused} is not allowed to submit mail", Failed);
        }

        var sender = Sender(terminal, options, user);
        var recipients = options.Operands.SelectMany(AddressList.Parse).Where(a => a.Length > 0).ToList();
        if (recipients.Count == 0 && !options.RecipientsFromHeader)
        {
            return terminal.Fatal($"{who}: Recipient addresses must be specified on the command line or via the -t option", Failed);
        }

        var filter = new SubmissionFilter(LineEndingsOf(settings), options.DotEndsMessage);
        using var message = await SubmittedMessage.ReadAsync(terminal.Input, filter, settings.Get(Parameters.MessageSizeLimit), cancellationToken).ConfigureAwait(false);
        if (options.RecipientsFromHeader)
        {
            recipients.AddRange(filter.HeaderRecipients);
            if (recipients.Count == 0)
            {
                return terminal.Fatal($"{who}: No recipient addresses found in message header", Failed);
            }
        }

        if (message.IsTooBig)
        {
            return terminal.Fatal($"{who}: message file too big", Failed);
        }

        var submission = new Submission
        {
            Sender = sender,
            Recipients = recipients,
            Notify = options.Notify,
            Return = options.Return,
            EnvelopeId = options.EnvelopeId,
            Flags = Flags(options, filter, sender, recipients),
            UserId = user.Id,
        };
        var from = FromHeader(options, filter, sender, user);
        return await MaildropHandover.StoreAsync(settings, submission, () => message.Open(from), cancellationToken).ConfigureAwait(false) is { } problem
            ? terminal.Fatal($"{who}: {problem}", Failed)
            : ExitCode.Ok;
    }

    /// <summary>A courtesy more than a lock: whoever may call mta.submit needs no command for it.</summary>
    private static async ValueTask<string?> RefusedAsync(Settings settings, LocalUser user, CancellationToken cancellationToken)
    {
        if (settings.Get(Parameters.AuthorizedSubmitUsers) == "static:anyone")
        {
            return null;
        }

        await using var tables = new TableRegistry(NoLog.Instance, TimeProvider.System);
        return await new LocalUsers(tables, settings).RefusedAsync(Parameters.AuthorizedSubmitUsers, user.Id, cancellationToken).ConfigureAwait(false);
    }

    private static string Sender(Terminal terminal, SendmailOptions options, LocalUser user)
    {
        if (options.Sender is not { } given)
        {
            return user.Name.Length > 0 ? user.Name : "unknown";
        }

        var addresses = AddressList.Parse(given);
        if (addresses.Count > 1)
        {
            terminal.Warning($"-f option specified malformed sender: {given}");
        }

        return addresses.Count > 0 ? addresses[0] : "";
    }

    private static LineEndings LineEndingsOf(Settings settings) => settings.Get(Parameters.SendmailFixLineEndings) switch
    {
        "never" => LineEndings.Never,
        "strict" => LineEndings.Strict,
        _ => LineEndings.Always,
    };

    private static EnvelopeFlags Flags(SendmailOptions options, SubmissionFilter filter, string sender, List<string> recipients)
    {
        var flags = options.Flags;
        if (filter.HasEightBit)
        {
            flags |= EnvelopeFlags.EightBit;
        }

        if (!Ascii.IsValid(sender) || recipients.Exists(r => !Ascii.IsValid(r)))
        {
            flags |= EnvelopeFlags.SmtpUtf8;
        }

        return flags;
    }

    /// <summary>A message without From gets one with the full name, which only this command knows; the rest of the missing headers is cleanup's.</summary>
    private static byte[] FromHeader(SendmailOptions options, SubmissionFilter filter, string sender, LocalUser user)
    {
        var name = options.FullName ?? user.FullName;
        if (filter.HasFrom || name.Length == 0 || sender.Length == 0)
        {
            return [];
        }

        var plain = name.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '_' or '\'');
        var clean = string.Concat(name.Select(c => char.IsControl(c) ? ' ' : c)).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes($"From: {(plain ? name : $"\"{clean}\"")} <{AddressQuoting.ToExternal(sender)}>\n");
    }
}
