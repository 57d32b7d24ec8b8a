using Mta.Services.Clients;
using Mta.Services.Nodes;
using Mta.Storage;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>
/// Reads what administrators ask of this node's mail, and lets deliveries begin only as long as that is known: a request holds two seconds
/// after its commit at the latest, on a node that cannot read it too.
/// </summary>
public sealed class RequestWatcher(QueueManager queue, RequestStore store, NodeLease lease, MailLog log, TimeProvider time) : IAsyncDisposable
{
    private const string Tag = "qmgr";

    /// <summary>A delivery may begin this long after the start of the last reading; a little less than the two seconds that are promised.</summary>
    private static readonly TimeSpan Validity = TimeSpan.FromMilliseconds(1900);

    private readonly SemaphoreSlim wake = new(0, 1);
    private readonly CancellationTokenSource stopping = new();
    private Task? running;
    private bool failing;

    /// <summary>The time between readings.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    public void Start()
    {
        queue.AllowBeginUntil(time.GetTimestamp());
        running = Task.Run(RunAsync);
    }

    /// <summary>Reads at once: somebody asks for something.</summary>
    public void Wake()
    {
        if (wake.CurrentCount == 0)
        {
            try
            {
                wake.Release();
            }
            catch (SemaphoreFullException)
            {
                // Another one has just done it.
            }
        }
    }

    public async ValueTask StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        if (running is { } task)
        {
            await task.ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        stopping.Dispose();
        wake.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await PollAsync(stopping.Token).ConfigureAwait(false);
                if (failing)
                {
                    failing = false;
                    log.Info(Tag, $"requests of administrators can be read again");
                }
            }
            catch (StorageException e)
            {
                if (!failing)
                {
                    failing = true;
                    log.Warning(Tag, $"requests of administrators cannot be read, no delivery begins: {e.Message}");
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Our own bug: it is seen. No delivery begins while it lasts.
            catch (Exception e)
#pragma warning restore CA1031
            {
                log.Panic(Tag, $"requests of administrators: {e.ToString()}");
            }

            await WaitAsync().ConfigureAwait(false);
        }
    }

    private async Task WaitAsync()
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        using var timer = time.CreateTimer(static s => ((CancellationTokenSource)s!).Cancel(), timeout, PollInterval, Timeout.InfiniteTimeSpan);
        await wake.WaitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async ValueTask PollAsync(CancellationToken cancellationToken)
    {
        // What is committed before this moment is seen by the reading that follows.
        var start = time.GetTimestamp();
        var epoch = lease.Epoch;
        var asked = await store.ReadAsync(epoch, cancellationToken).ConfigureAwait(false);
        queue.Suspend(new Suspensions(asked.Destinations, asked.Senders));
        var delivering = queue.Obey(asked.Requests);
        queue.AllowBeginUntil(start + (long)(Validity.TotalSeconds * time.TimestampFrequency));

        if (delivering.Length > 0)
        {
            await store.MarkInDeliveryAsync(delivering, cancellationToken).ConfigureAwait(false);
        }

        if (asked.Requests.Any(r => r.Action == RequestedAction.Expire))
        {
            var expired = asked.Requests.Where(r => r.Action == RequestedAction.Expire).Select(r => r.MessageId).ToArray();
            await store.ExpireOwnedAsync(epoch, expired, cancellationToken).ConfigureAwait(false);
            foreach (var id in expired)
            {
                log.Info("postsuper", $"{new Mta.Core.Queue.QueueId(id)}: expired");
            }
        }

        if (asked.HasUnowned)
        {
            await store.ApplyUnownedAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
