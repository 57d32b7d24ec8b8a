using System.Runtime.InteropServices;
using System.Threading.Channels;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Configuration;
using Mta.Services.Nodes;
using Mta.Services.Postlogd;
using Mta.Storage;

namespace Mta.Daemon;

/// <summary>
/// services - the process that does the work
///
/// Runs as mail_owner under master: opens the database (and makes and starts the embedded one), brings its schema up to date, and
/// runs the services of master.cf on the listeners that master hands it. Mail that it has accepted is in the database; when it ends,
/// however it ends, the next one goes on from there.
///
/// Ends when master asks for it, and by itself, within seconds, when master is gone.
/// </summary>
internal sealed class ServicesProcess : IDisposable
{
    private const string Tag = "master";

    // A graceful end needs the database; without master nobody waits for it.
    private static readonly TimeSpan OrphanLimit = TimeSpan.FromSeconds(3);

    private readonly DaemonArguments arguments;
    private readonly ControlChannel control;
    private readonly PrivilegedClient privileged;
    private readonly Channel<ControlMessage> orders = Channel.CreateUnbounded<ControlMessage>();
    private readonly ListenerCollection listeners = new();
    private readonly CancellationTokenSource ending = new();
    private Timer? lastResort;
    private BufferedLogSink? sink;
    private MailLog? log;
    private NodeDatabase? database;
    private NodeServices? node;
    private LoadedConfiguration? files;
    private NodeParameters? parameters;

    private ServicesProcess(DaemonArguments arguments, ControlChannel control)
    {
        this.arguments = arguments;
        this.control = control;
        // Master alone could have root's rights, and what it may do for us depends on whether it has.
        privileged = new PrivilegedClient(control, arePrivileged: MasterIsRoot());
    }

    public static async Task<int> RunAsync(DaemonArguments arguments)
    {
        if (arguments.Control is null || arguments.Lock is null)
        {
            return 64;
        }

        using var processLock = arguments.Lock;
        Services.Net.Libc.SetInheritable(arguments.Control, false);
        Services.Net.Libc.SetInheritable(processLock, false);
        using var control = new ControlChannel(arguments.Control);
        using var process = new ServicesProcess(arguments, control);
        // Master hears the terminal's signals and tells us what to do.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => c.Cancel = true);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, c => c.Cancel = true);
        using var quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, c => c.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => process.Terminated(c));
        AppDomain.CurrentDomain.UnhandledException += (_, e) => process.Died(e.ExceptionObject);
        control.Listen(process.Received, process.MasterIsGone);
        return await process.ServeAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        // Not the source of cancellation: master's end may still be noticed on another thread, and the process is about to end.
        lastResort?.Dispose();
        database?.Dispose();
    }

    private async Task<int> ServeAsync()
    {
        await foreach (var order in orders.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            switch (order.Verb)
            {
                case ControlVerb.Start or ControlVerb.Reload:
                    var problem = await TakeConfigurationAsync(order).ConfigureAwait(false);
                    control.Send(problem is null ? new ControlMessage(ControlVerb.Ready) : new ControlMessage(ControlVerb.Failed, problem));
                    break;
                case ControlVerb.Parameters:
                    await TakeParametersAsync().ConfigureAwait(false);
                    break;
                case ControlVerb.Stop or ControlVerb.Abort:
                    await EndAsync(order.Verb == ControlVerb.Abort, stopDatabase: true).ConfigureAwait(false);
                    return 0;
            }
        }

        // Master is gone: the embedded database stays for the next one.
        await EndAsync(abort: true, stopDatabase: false).ConfigureAwait(false);
        return 1;
    }

    /// <summary>The reason when the configuration is no good; then everything is as it was.</summary>
    private async Task<string?> TakeConfigurationAsync(ControlMessage order)
    {
        try
        {
            var loaded = await ConfigurationDirectory.LoadAsync(arguments.ConfigurationDirectory, Tag, ending.Token).ConfigureAwait(false);
            if (loaded.Settings is not { } settings)
            {
                return string.Join("; ", loaded.Problems.Where(p => p.IsError));
            }

            if (log is null)
            {
                sink = LogSinks.Open(settings, arguments.Foreground, TimeProvider.System, out _, privileged.ArePrivileged ? _ => privileged.OpenLog() : null);
                log = new MailLog(sink);
            }
            else
            {
                sink!.Reopen();
            }

            database ??= await NodeDatabase.OpenAsync(settings, log, ending.Token).ConfigureAwait(false);
            parameters ??= new NodeParameters(database.Database, NodeName.Of(settings), log);
            settings = await parameters.ApplyAsync(loaded, ending.Token).ConfigureAwait(false);
            var environment = EnvironmentOf(loaded, settings, listeners.Update(order));
            if (node is null)
            {
                node = await NodeServices.StartAsync(environment, ending.Token).ConfigureAwait(false);
                parameters.Watch(() => orders.Writer.TryWrite(new ControlMessage(ControlVerb.Parameters)));
            }
            else
            {
                await node.ReloadAsync(environment, ending.Token).ConfigureAwait(false);
                listeners.CloseForgotten();
            }

            files = loaded;
            parameters.Taken(settings);
            return null;
        }
        catch (OperationCanceledException)
        {
            return "interrupted";
        }
        catch (Exception e) when (e is StorageException or MasterException or SettingsException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        catch (Exception e) when (log is not null)
        {
            // Our bug; at a reload the old configuration goes on, at a start master ends us.
            log.Panic(Tag, $"{e.ToString()}");
            return e.Message;
        }
    }

    /// <summary>Goes on with the files as they were read at the last start or reload, and the values that SQL has now.</summary>
    private async Task TakeParametersAsync()
    {
        Settings? settings = null;
        try
        {
            settings = await parameters!.ApplyAsync(files!, ending.Token).ConfigureAwait(false);
            if (!settings.Stored.HasSameValuesAs(parameters.Current))
            {
                await node!.ReloadAsync(EnvironmentOf(files!, settings, listeners.Current), ending.Token).ConfigureAwait(false);
                parameters.Taken(settings);
            }
        }
        catch (OperationCanceledException)
        {
            // The end has begun.
        }
        catch (Exception e) when (e is StorageException or MasterException or SettingsException or IOException or UnauthorizedAccessException)
        {
            if (settings is not null)
            {
                await parameters!.RefusedAsync(settings, e.Message, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            // Our bug; the old values go on.
            log!.Panic(Tag, $"{e.ToString()}");
        }
    }

    private ServiceEnvironment EnvironmentOf(LoadedConfiguration loaded, Settings settings, IReadOnlyList<ServiceListener> sockets) => new()
    {
        ConfigurationDirectory = arguments.ConfigurationDirectory,
        Settings = settings,
        Services = loaded.Services,
        Listeners = sockets,
        Log = log!,
        Database = database!.Database,
        UserProcesses = privileged,
    };

    private async Task EndAsync(bool abort, bool stopDatabase)
    {
        try
        {
            using var limit = new CancellationTokenSource(abort ? OrphanLimit : Timeout.InfiniteTimeSpan);
            if (parameters is not null)
            {
                await parameters.DisposeAsync().AsTask().WaitAsync(limit.Token).ConfigureAwait(false);
            }

            if (node is not null)
            {
                await node.StopAsync(abort, limit.Token).WaitAsync(limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // What was not ended in time is found and finished by the next process.
        }
        finally
        {
            if (database is not null)
            {
                await database.CloseAsync(stopDatabase).ConfigureAwait(false);
            }

            if (sink is not null)
            {
                await sink.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private void Received(ControlMessage message)
    {
        switch (message.Verb)
        {
            case ControlVerb.Child or ControlVerb.Log:
                privileged.Answered(message);
                break;
            case ControlVerb.Stop or ControlVerb.Abort:
                ending.Cancel();
                orders.Writer.TryWrite(message);
                break;
            default:
                orders.Writer.TryWrite(message);
                break;
        }
    }

    private void MasterIsGone()
    {
        ending.Cancel();
        orders.Writer.TryComplete();
        // Whatever hangs then: two services processes of one instance must never run.
        lastResort = new Timer(static _ => Environment.Exit(1), null, OrphanLimit * 2, Timeout.InfiniteTimeSpan);
    }

    // Standard error leads nowhere: the reason goes into the log before the process ends, and master starts another.
    private void Died(object reason)
    {
        log?.Panic(Tag, $"{reason}");
        sink?.Flush();
    }

    private void Terminated(PosixSignalContext context)
    {
        context.Cancel = true;
        ending.Cancel();
        orders.Writer.TryWrite(new ControlMessage(ControlVerb.Stop));
    }

    private static bool MasterIsRoot() => Services.Net.Libc.OwnerOf($"/proc/{Services.Net.Libc.ParentProcessId}") == 0;
}
