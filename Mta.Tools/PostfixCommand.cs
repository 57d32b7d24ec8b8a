using System.Globalization;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Configuration;
using Mta.Services.Master;
using Mta.Services.Net;
using Mta.Services.Nodes;
using Mta.Services.Postlogd;
using Mta.Services.Smtpd.Restrictions;
using Mta.Tools.Postqueue;

namespace Mta.Tools;

/// <summary>
/// postfix - starts, stops and asks after the mail system
///
/// <c>postfix [-c dir] [-Dv] start|start-fg|start-on-hold|stop|quick-stop|drain|abort|reload|flush|check|status</c>
///
/// What it does is logged as postfix/postfix-script and shown on standard error. Exit code 0 when it worked; status gives 1 when the mail
/// system does not run, reload gives 1 when the new configuration is refused. start returns when the ports accept.
/// </summary>
internal sealed partial class PostfixCommand
{
    private const string Script = "postfix-script";
    private const string Usage = "Usage: postfix start (or stop, reload, abort, flush, check, status, drain, undrain, set-permissions, upgrade-configuration, logrotate)";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Longer than master itself waits for its services before it kills them.
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(75);

    private readonly Terminal terminal;
    private readonly string directory;
    private readonly Settings settings;
    private readonly InstanceFiles files;

    private PostfixCommand(Terminal terminal, string directory, Settings settings)
    {
        this.terminal = terminal;
        this.directory = directory;
        this.settings = settings;
        files = new InstanceFiles(settings);
    }

    public static async Task<int> RunAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken)
    {
        var options = new Getopt(arguments, "c:Dv");
        string? directory = null;
        while (options.TryRead(out var option))
        {
            if (option == Getopt.Invalid)
            {
                terminal.Misused(options);
                return ExitCode.Failure;
            }

            directory = option == 'c' ? options.Value : directory;
        }

        directory = Path.GetFullPath(ConfigurationDirectory.Find(directory));
        if (options.Operands is not [var action, ..])
        {
            return terminal.Fatal($"unknown command: ''. {Usage}");
        }

        var problems = new List<ConfigProblem>();
        var settings = await ConfigurationDirectory.LoadMainAsync(directory, "postfix", problems, cancellationToken).ConfigureAwait(false);
        if (problems.Find(p => p.IsError) is { } problem)
        {
            return terminal.Fatal(problem.ToString());
        }

        try
        {
            var command = new PostfixCommand(terminal, directory, settings);
            return await command.RunAsync(action, [.. options.Operands.Skip(1)], cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SettingsException or IOException or UnauthorizedAccessException)
        {
            return terminal.Fatal(e.Message);
        }
    }

    private async Task<int> RunAsync(string action, string[] operands, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case "status" when operands is ["-v"]:
                return await StatusOfAllAsync(cancellationToken).ConfigureAwait(false);
            case "drain" or "undrain" when operands.Length <= 1:
                return await DrainAsync(action, operands is [var node] ? node : NodeName.Of(settings), cancellationToken).ConfigureAwait(false);
            case "start":
                return await StartAsync(cancellationToken).ConfigureAwait(false);
            case "start-on-hold":
                return await StartOnHoldAsync(cancellationToken).ConfigureAwait(false);
            case "start-fg":
                return StartForeground();
            case "stop":
                return await StopAsync("stopping", Libc.SignalTerminate, cancellationToken).ConfigureAwait(false);
            case "quick-stop" or "abort":
                return await StopAsync(action == "abort" ? "aborting" : "stopping", Libc.SignalQuit, cancellationToken).ConfigureAwait(false);
            case "reload":
                return await ReloadAsync(cancellationToken).ConfigureAwait(false);
            case "status":
                return await StatusAsync(cancellationToken).ConfigureAwait(false);
            case "check":
                return await CheckAsync(cancellationToken).ConfigureAwait(false);
            case "flush":
                using (var postqueue = new Terminal("postqueue", terminal.Input, terminal.Output, terminal.Error))
                {
                    return await PostqueueCommand.RunAsync(postqueue, ["-c", directory, "-f"], cancellationToken).ConfigureAwait(false);
                }

            default:
                return await SayAsync(LogSeverity.Fatal, $"unknown command: '{action}'. {Usage}").ConfigureAwait(false);
        }
    }

    private async Task<int> CheckAsync(CancellationToken cancellationToken)
    {
        var loaded = await ConfigurationDirectory.LoadAsync(directory, "postfix", cancellationToken).ConfigureAwait(false);
        foreach (var problem in loaded.Problems)
        {
            await SayAsync(problem.IsError ? LogSeverity.Error : LogSeverity.Warning, problem.ToString()).ConfigureAwait(false);
        }

        _ = LeaseTimes.From(loaded.Settings ?? settings);
        var warnings = new List<string>();
        var wrong = InstanceDirectories.Ensure(settings, warnings).ToList();
        if (loaded.Settings is { } valid)
        {
            var servers = loaded.Services.Where(s => s.Command == "smtpd").Select(s => LoadedConfiguration.ForService(valid, s));
            wrong.AddRange(servers.SelectMany(s => RestrictionCheck.Find(s, static _ => true)).Distinct());
        }

        foreach (var warning in warnings)
        {
            await SayAsync(LogSeverity.Warning, warning).ConfigureAwait(false);
        }

        foreach (var text in wrong)
        {
            await SayAsync(LogSeverity.Error, text).ConfigureAwait(false);
        }

        var stored = await CheckStoredAsync(loaded, cancellationToken).ConfigureAwait(false);
        return loaded.Settings is null || wrong.Count > 0 || !stored
            ? await SayAsync(LogSeverity.Fatal, "Postfix integrity check failed!").ConfigureAwait(false)
            : ExitCode.Ok;
    }

    /// <summary>Says which values of SQL this node does not take with these files; false when there are any.</summary>
    private async Task<bool> CheckStoredAsync(LoadedConfiguration loaded, CancellationToken cancellationToken)
    {
        if (loaded.Settings is null || !ToolDatabase.IsRunning(loaded.Settings))
        {
            return true;
        }

        var (result, unread) = await PostconfDatabase.JudgeAsync(loaded.Settings, loaded.Services, cancellationToken).ConfigureAwait(false);
        if (unread is not null)
        {
            await SayAsync(LogSeverity.Warning, $"parameters in SQL are not checked: {unread}").ConfigureAwait(false);
        }

        foreach (var (row, problem) in result.Problems)
        {
            await SayAsync(LogSeverity.Error, PostconfDatabase.Describe(row, problem)).ConfigureAwait(false);
        }

        return result.Problems.Count == 0;
    }

    private Task<int> NotRunningAsync() => SayAsync(LogSeverity.Fatal, "the Postfix mail system is not running");

    /// <summary>Logs, shows, and gives the exit code: of a fatal text <see cref="ExitCode.Failure"/>, else <paramref name="exitCode"/>.</summary>
    private async Task<int> SayAsync(LogSeverity severity, string text, int exitCode = ExitCode.Ok)
    {
        var prefix = severity switch
        {
            LogSeverity.Warning => "warning: ",
            LogSeverity.Error => "error: ",
            LogSeverity.Fatal => "fatal: ",
            _ => "",
        };
        await terminal.Error.WriteLineAsync($"{settings.Get(Parameters.SyslogName)}/{Script}: {prefix}{text}").ConfigureAwait(false);
        try
        {
            await using var sink = LogSinks.Open(settings, foreground: false, TimeProvider.System, out var onlyStandardError);
            if (onlyStandardError is null)
            {
                sink.Write(severity, Script, System.Text.Encoding.UTF8.GetBytes(prefix + text));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A user who may not write the log has read it on his terminal.
        }

        return severity == LogSeverity.Fatal ? ExitCode.Failure : exitCode;
    }
}
