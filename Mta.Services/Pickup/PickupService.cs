using System.Net.Sockets;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Net;
using Mta.Storage;

namespace Mta.Services.Pickup;

/// <summary>
/// pickup(8): brings mail that sendmail(1) and SQL handed in into the queue, through cleanup(8).
/// <para>
/// Mail comes from mta_store.maildrop, where any number of nodes take it, and from this host's spool directory, which sendmail uses while the
/// database is away. Both are looked at once a second, and at once when sendmail knocks at <c>public/pickup</c>.
/// </para>
/// <para>Nothing is fatal: while the database is away, mail waits where it is. A file that is no message is left and named once in the log.</para>
/// </summary>
public sealed class PickupService : IAsyncDisposable
{
    private const int BatchSize = 32;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromHours(1);

    // Longer than a message of any size takes; a pickup that died delays its messages by this.
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);

    private readonly PickupPorts ports;
    private readonly string tag;
    private readonly MaildropDelivery delivery;
    private readonly SpoolCollector spool;
    private readonly SemaphoreSlim wake = new(0, 1);
    private readonly Socket? knocks;
    private readonly HashSet<string> failing = [];

    /// <param name="ports">What it works with.</param>
    /// <param name="settings">Its service's settings.</param>
    /// <param name="tag">The name of its log lines.</param>
    public PickupService(PickupPorts ports, Settings settings, string tag = "pickup")
    {
        this.ports = ports;
        this.tag = tag;
        delivery = new MaildropDelivery(ports, settings, tag);
        var queueDirectory = settings.Get(Parameters.QueueDirectory);
        spool = new SpoolCollector(SpoolDirectory.In(queueDirectory), ports, tag);
        try
        {
            knocks = LocalEndpoint.Listen(LocalEndpoint.Path(queueDirectory, "pickup"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            ports.Log.Warning(tag, $"public/pickup: {e.Message}: mail is noticed within a second");
        }
    }

    /// <summary>Works until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var listening = ListenAsync(cancellationToken);
        var swept = long.MinValue;
        while (!cancellationToken.IsCancellationRequested)
        {
            if (swept == long.MinValue || ports.Time.GetElapsedTime(swept) > SweepInterval)
            {
                swept = ports.Time.GetTimestamp();
                await TryAsync("sweep of maildrop", SweepAsync, cancellationToken).ConfigureAwait(false);
            }

            await TryAsync("spool directory", spool.CollectAsync, cancellationToken).ConfigureAwait(false);
            await TryAsync("maildrop", DrainAsync, cancellationToken).ConfigureAwait(false);
            await WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        await listening.ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        knocks?.Dispose();
        wake.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var messages = await ports.Store.TakeAsync(BatchSize, Lease, cancellationToken).ConfigureAwait(false);
            if (messages.Count == 0)
            {
                return;
            }

            // Together, so that they share commits.
            await Task.WhenAll(messages.Select(m => delivery.DeliverAsync(m, cancellationToken))).ConfigureAwait(false);
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        await ports.Store.SweepAsync(cancellationToken).ConfigureAwait(false);
        spool.RemoveUnfinished();
    }

    /// <summary>Does a part of the round; says once what is in its way, and once that it is over.</summary>
    private async Task TryAsync(string name, Func<CancellationToken, Task> part, CancellationToken cancellationToken)
    {
        try
        {
            await part(cancellationToken).ConfigureAwait(false);
            if (failing.Remove(name))
            {
                ports.Log.Info(tag, $"{name}: works again");
            }
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            if (failing.Add(name))
            {
                ports.Log.Warning(tag, $"{name}: {e.Message}");
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The loop ends.
        }
        catch (Exception e)
        {
            if (failing.Add(name))
            {
                ports.Log.Panic(tag, $"{name}: {e.ToString()}");
            }
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var tick = Task.Delay(Interval, ports.Time, timer.Token);
            await Task.WhenAny(tick, wake.WaitAsync(timer.Token)).ConfigureAwait(false);
            await timer.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop ends.
        }
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (knocks is not null)
        {
            try
            {
                using var knock = await knocks.AcceptAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                if (e is not SocketException || cancellationToken.IsCancellationRequested)
                {
                    return;
                }
            }

            if (wake.CurrentCount == 0)
            {
                wake.Release();
            }
        }
    }
}
