using System.Diagnostics;
using System.Globalization;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Master;
using Mta.Services.Net;

namespace Mta.Daemon;

/// <summary>
/// Keeps the services process running: starts it, hands it the listeners, answers what it asks of its privileged parent, starts it
/// again when it ends by itself (at once, then with growing pauses up to service_throttle_time), and ends it.
/// </summary>
internal sealed class ServicesSupervisor(
    DaemonArguments arguments, InstanceFiles files, ListenerSet listeners, PrivilegedRequests requests, MailLog log, TimeProvider time) : IDisposable
{
    private const string Tag = "master";
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan GracefulStop = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan QuickStop = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource stopping = new();
    private ServicesConnection? connection;
    private Process? process;
    private Task supervision = Task.CompletedTask;

    public required Settings Settings { get; set; }

    public required string? User { get; init; }

    /// <summary>Starts it and waits until it serves; the reason when it does not. Supervision begins after a start that went well.</summary>
    public async Task<string?> StartAsync(CancellationToken cancellationToken)
    {
        var problem = await LaunchAsync(cancellationToken).ConfigureAwait(false);
        if (problem is null)
        {
            supervision = SuperviseAsync();
        }

        return problem;
    }

    /// <summary>Has it read the configuration again; the reason when it does not take it.</summary>
    public Task<string?> ReloadAsync() => connection!.AskAsync(ControlVerb.Reload, listeners.All);

    /// <summary>Ends it: in good order, or at once. A process that does not end in time is killed; what it left is recovered at the next start.</summary>
    public async Task StopAsync(bool abort)
    {
        // Supervision is over first: from here on nobody starts another one.
        await stopping.CancelAsync().ConfigureAwait(false);
        await supervision.ConfigureAwait(false);
        if (process is { HasExited: false } running)
        {
            connection?.Tell(abort ? ControlVerb.Abort : ControlVerb.Stop);
            using var limit = new CancellationTokenSource(abort ? QuickStop : GracefulStop, time);
            try
            {
                await running.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                log.Warning(Tag, $"process {running.Id} does not stop in time and is killed");
                running.Kill();
                await running.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    public void Dispose()
    {
        connection?.Dispose();
        process?.Dispose();
        stopping.Dispose();
    }

    private async Task<string?> LaunchAsync(CancellationToken cancellationToken)
    {
        connection?.Dispose();
        process?.Dispose();
        process = null;
        var (ours, theirs) = Libc.SocketPair(packets: true);
        using (theirs)
        {
            connection = new ServicesConnection(ours, requests, () => Settings);
            process = await ServicesLauncher.StartAsync(files, arguments.ConfigurationDirectory, User, theirs, arguments.Foreground, cancellationToken).ConfigureAwait(false);
        }

        return await connection.AskAsync(ControlVerb.Start, listeners.All).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task SuperviseAsync()
    {
        // The first end is answered at once, also soon after the start.
        var failures = -1;
        while (true)
        {
            var started = time.GetTimestamp();
            try
            {
                await process!.WaitForExitAsync(stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            log.Warning(Tag, $"process {process.Id} {ExitReason(process.ExitCode)}");
            failures = time.GetElapsedTime(started) > LongEnough ? 0 : failures + 1;
            for (string? problem = "not started yet"; problem is not null; failures++)
            {
                try
                {
                    await PauseAsync(failures).ConfigureAwait(false);
                    problem = await LaunchAsync(stopping.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
                catch (Exception e)
                {
                    // Whatever it is: without services there is no mail, so the next attempt comes.
                    problem = e.Message;
                }

                if (problem is not null)
                {
                    log.Warning(Tag, $"services process: bad start -- throttling: {problem}");
                }
            }
        }
    }

    private Task PauseAsync(int failures)
    {
        if (failures == 0)
        {
            return Task.CompletedTask;
        }

        var limit = Settings.Get(Parameters.ServiceThrottleTime);
        var pause = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(failures - 1, 10)));
        return Task.Delay(pause < limit ? pause : limit, time, stopping.Token);
    }

    private static string ExitReason(int code) =>
        code > 128 ? string.Create(CultureInfo.InvariantCulture, $"killed by signal {code - 128}") : string.Create(CultureInfo.InvariantCulture, $"exit status {code}");
}
