using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Configuration;
using Mta.Services.Master;
using Mta.Services.Net;
using Mta.Services.Postlogd;

namespace Mta.Daemon;

/// <summary>
/// master - the process that stays
///
/// Reads main.cf and master.cf, binds the inet listeners of master.cf, starts the services process as mail_owner with these
/// listeners, starts it again when it ends, and starts children for deliveries as other users when the services process asks for
/// them. It handles no mail and talks to no network.
///
/// Signals: SIGHUP reads the configuration again, SIGTERM and SIGINT stop in good order, SIGQUIT stops at once.
/// Fatal: a configuration with errors, an address that cannot be bound, an instance that runs already, a first start of the services
/// that fails. After the start nothing is: a configuration that is no good is refused, services that end are started again.
/// See also: postfix(1), <see cref="ServicesProcess"/>.
/// </summary>
internal sealed class MasterProcess : IAsyncDisposable
{
    private const string Tag = "master";

    private readonly DaemonArguments arguments;
    private readonly StartReport report;
    private readonly InstanceFiles files;
    private readonly BufferedLogSink sink;
    private readonly MailLog log;
    private readonly ListenerSet listeners = new();
    private readonly ServicesSupervisor services;
    private readonly Channel<MasterEvent> events = Channel.CreateUnbounded<MasterEvent>();
    private readonly SemaphoreSlim reloading = new(1, 1);
    private readonly CancellationTokenSource stopAsked = new();
    private LoadedConfiguration configuration;
    private SafeFileHandle? masterLock;

    private MasterProcess(DaemonArguments arguments, StartReport report, LoadedConfiguration configuration)
    {
        this.arguments = arguments;
        this.report = report;
        this.configuration = configuration;
        var settings = configuration.Settings!;
        files = new InstanceFiles(settings);
        sink = LogSinks.Open(settings, arguments.Foreground, TimeProvider.System, out var warning);
        log = new MailLog(sink);
        services = new ServicesSupervisor(arguments, files, listeners, new PrivilegedRequests(log), log, TimeProvider.System)
        {
            Settings = settings,
            User = Environment.IsPrivilegedProcess ? settings.Get(Parameters.MailOwner) : null,
        };
        if (warning is not null)
        {
            Warn(warning);
        }
    }

    private enum MasterEvent
    {
        Reload,
        Stop,
        Abort,
    }

    public static async Task<int> RunAsync(DaemonArguments arguments)
    {
        using var report = new StartReport(arguments.Ready);
        Libc.SetFileModeMask(0x12); // 022; what is nobody's business says so itself
        if (arguments.Ready is not null)
        {
            // The caller goes on with its own life: nothing of its terminal or pipes is kept.
            Libc.SetInheritable(arguments.Ready, false);
            Libc.NewSession();
            Libc.DetachStandardStreams();
        }

        try
        {
            var configuration = await LoadAsync(arguments.ConfigurationDirectory, report).ConfigureAwait(false);
            await using var master = new MasterProcess(arguments, report, configuration);
            return await master.RunAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is MasterException or SettingsException or IOException or UnauthorizedAccessException)
        {
            report.Line($"postfix/master: fatal: {e.Message}");
            return 1;
        }
    }

    public async ValueTask DisposeAsync()
    {
        services.Dispose();
        listeners.Dispose();
        await sink.DisposeAsync().ConfigureAwait(false);
        // Last, for it says that nothing of us is left.
        masterLock?.Dispose();
        reloading.Dispose();
        stopAsked.Dispose();
    }

    private static async Task<LoadedConfiguration> LoadAsync(string directory, StartReport report)
    {
        var loaded = await ConfigurationDirectory.LoadAsync(directory, Tag, CancellationToken.None).ConfigureAwait(false);
        foreach (var problem in loaded.Problems)
        {
            report.Line($"postfix/master: {(problem.IsError ? "fatal" : "warning")}: {problem}");
        }

        if (loaded.Settings is null)
        {
            throw new MasterException($"configuration directory {directory}: the configuration has errors");
        }

        var warnings = new List<string>();
        if (InstanceDirectories.Ensure(loaded.Settings, warnings) is [var first, ..])
        {
            throw new MasterException(first);
        }

        return loaded;
    }

    private async Task<int> RunAsync()
    {
        masterLock = Libc.OpenLockFile(files.MasterLock);
        Acquire(masterLock);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, c => Raise(c, MasterEvent.Reload));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => Raise(c, MasterEvent.Stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => Raise(c, MasterEvent.Stop));
        using var quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, c => Raise(c, MasterEvent.Abort));
        try
        {
            listeners.Bind(configuration.Services, configuration.Settings!);
            if (await StartServicesAsync().ConfigureAwait(false) is { } problem)
            {
                await services.StopAsync(abort: true).ConfigureAwait(false);
                throw new MasterException(problem);
            }

            File.WriteAllText(files.PidFile, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId,10}\n"));
            log.Info(Tag, $"daemon started -- version {Version}, configuration {arguments.ConfigurationDirectory}");
            await using var commands = CommandSocket.Open(files.MasterSocket, ReloadAsync);
            report.Ready();
            await ServeAsync().ConfigureAwait(false);
            return 0;
        }
        catch (MasterException e)
        {
            log.Fatal(Tag, $"{e.Message}");
            throw;
        }
        finally
        {
            File.Delete(files.PidFile);
        }
    }

    // The first start can be interrupted: with start-fg somebody sits in front of it.
    private async Task<string?> StartServicesAsync()
    {
        try
        {
            return await services.StartAsync(stopAsked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return "interrupted";
        }
    }

    private async Task ServeAsync()
    {
        await foreach (var happened in events.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (happened == MasterEvent.Reload)
            {
                await ReloadAsync().ConfigureAwait(false);
                continue;
            }

            var abort = happened == MasterEvent.Abort;
            log.Info(Tag, $"terminating on signal {(abort ? Libc.SignalQuit : Libc.SignalTerminate)}");
            await services.StopAsync(abort).ConfigureAwait(false);
            return;
        }
    }

    /// <summary>Takes the new configuration as a whole or not at all; the reason when it does not.</summary>
    private async Task<string?> ReloadAsync()
    {
        await reloading.WaitAsync().ConfigureAwait(false);
        try
        {
            var problem = await TryReloadAsync().ConfigureAwait(false);
            if (problem is null)
            {
                log.Info(Tag, $"reload -- version {Version}, configuration {arguments.ConfigurationDirectory}");
            }
            else
            {
                log.Error(Tag, $"reload refused, the old configuration stays: {problem}");
            }

            return problem;
        }
        finally
        {
            reloading.Release();
        }
    }

    private async Task<string?> TryReloadAsync()
    {
        var loaded = await ConfigurationDirectory.LoadAsync(arguments.ConfigurationDirectory, Tag, CancellationToken.None).ConfigureAwait(false);
        foreach (var warning in loaded.Problems.Where(p => !p.IsError))
        {
            log.Warning(Tag, $"{warning.ToString()}");
        }

        if (loaded.Settings is not { } settings)
        {
            return string.Join("; ", loaded.Problems.Where(p => p.IsError));
        }

        foreach (var name in (string[])["data_directory", "queue_directory", "mail_owner", "database_url", "node_name", "maillog_file"])
        {
            if (settings.Text(name) != configuration.Settings!.Text(name))
            {
                log.Warning(Tag, $"to change {name}, stop and start the mail system");
            }
        }

        try
        {
            listeners.Bind(loaded.Services, settings);
            if (await services.ReloadAsync().ConfigureAwait(false) is { } refused)
            {
                listeners.Bind(configuration.Services, configuration.Settings!);
                return refused;
            }
        }
        catch (MasterException e)
        {
            return e.Message;
        }

        services.Settings = settings;
        configuration = loaded;
        sink.Reopen();
        return null;
    }

    private void Acquire(SafeFileHandle handle)
    {
        if (!Libc.TryLock(handle))
        {
            // A command that looks whether we run holds the lock for a moment; a master holds it for its life.
            if (InstanceFiles.ReadPid(files.MasterLock) is { } pid && Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}")))
            {
                throw new MasterException("the Postfix mail system is already running");
            }

            if (!Task.Run(() => Libc.Lock(handle)).Wait(TimeSpan.FromSeconds(5)))
            {
                throw new MasterException($"cannot lock {files.MasterLock}");
            }
        }

        InstanceFiles.WritePid(handle, Environment.ProcessId);
    }

    private void Raise(PosixSignalContext context, MasterEvent happened)
    {
        context.Cancel = true;
        events.Writer.TryWrite(happened);
        if (happened != MasterEvent.Reload)
        {
            stopAsked.Cancel();
        }
    }

    private void Warn(string text)
    {
        report.Line($"postfix/master: warning: {text}");
    }

    private string Version => configuration.Settings!.Get(Parameters.MailVersion);
}
