using Mta.Services.Clients;
using Mta.Services.Nodes;
using Mta.Storage;
using Mta.Storage.Nodes;
using Mta.Storage.Shares;

namespace Mta.Services.Qmgr;

/// <summary>
/// Talks with the other nodes, by the database, about destinations: who may use how much of a limit, which are dead, which live again. Off
/// the path of deliveries: all that there is to say goes in one statement, and a node that is alone says nothing of shares.
/// </summary>
public sealed class ShareExchange(QueueManager queue, ShareStore store, NodeLease lease, MailLog log, TimeProvider time) : IAsyncDisposable
{
    private const string Tag = "qmgr";
    private static readonly TimeSpan TidyInterval = TimeSpan.FromMinutes(1);

    // Holders hear at this interval that others want more.
    private static readonly TimeSpan HoldInterval = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim wake = new(0, 1);
    private readonly CancellationTokenSource stopping = new();
    private NodeEpoch? joined;
    private int acknowledged;
    private Task? running;
    private long polledAt;
    private long exchangedAt;
    private long tidiedAt;
    private volatile bool wanted;
    private bool failing;

    /// <summary>The time between looks at what the others say.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The time between two tries to get more of a limit that others use.</summary>
    public TimeSpan RetryInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>False on a node that only receives: others have its part of all limits.</summary>
    public Func<bool> Delivers { get; init; } = static () => true;

    /// <summary>Begins to take part; no delivery begins before the first exchange.</summary>
    public void Start()
    {
        queue.JoinShares(Wake);
        running = Task.Run(RunAsync);
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
        wake.Dispose();
        stopping.Dispose();
    }

    private void Wake()
    {
        wanted = true;
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

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            var pause = PollInterval;
            try
            {
                if (lease.IsHeld)
                {
                    await TalkAsync(stopping.Token).ConfigureAwait(false);
                    pause = queue.Shares.ShareNeed().Unmet ? RetryInterval : PollInterval;
                }

                if (failing)
                {
                    failing = false;
                    log.Info(Tag, $"shares of destinations can be exchanged again");
                }
            }
            catch (StorageException e)
            {
                if (!failing)
                {
                    failing = true;
                    log.Warning(Tag, $"shares of destinations cannot be exchanged: {e.Message}");
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }

            await WaitAsync(pause).ConfigureAwait(false);
        }
    }

    private async ValueTask TalkAsync(CancellationToken cancellationToken)
    {
        var epoch = lease.Epoch;
        if (!Delivers() && queue.ActiveCount == 0)
        {
            await LeaveAsync(epoch, cancellationToken).ConfigureAwait(false);
            return;
        }

        var asked = wanted;
        wanted = false;
        if (!ReferenceEquals(joined, epoch))
        {
            queue.Shares.Join();
            joined = epoch;
            polledAt = acknowledged = 0;
        }

        await PublishAsync(epoch, cancellationToken).ConfigureAwait(false);
        var grows = false;
        if (polledAt == 0 || time.GetElapsedTime(polledAt) >= PollInterval * 0.9)
        {
            grows = await PollAsync(epoch, cancellationToken).ConfigureAwait(false);
        }

        var (any, unmet) = queue.Shares.ShareNeed();
        var nodes = queue.Shares.Nodes;
        if (grows || nodes != acknowledged || (nodes != 1 && (asked || unmet || (any && time.GetElapsedTime(exchangedAt) >= HoldInterval * 0.9))))
        {
            await ExchangeAsync(epoch, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask LeaveAsync(NodeEpoch epoch, CancellationToken cancellationToken)
    {
        if (joined is not null)
        {
            await store.LeaveAsync(epoch, cancellationToken).ConfigureAwait(false);
            queue.Shares.Join();
            joined = null;
        }
    }

    private async ValueTask PublishAsync(NodeEpoch epoch, CancellationToken cancellationToken)
    {
        var news = queue.Shares.TakeNews();
        if (news.Length == 0)
        {
            return;
        }

        try
        {
            await store.PublishAsync(epoch, news, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            queue.Shares.ReturnNews(news);
            throw;
        }
    }

    /// <summary>Hears what is new; true when there are not as many nodes as limits are divided by here.</summary>
    private async ValueTask<bool> PollAsync(NodeEpoch epoch, CancellationToken cancellationToken)
    {
        polledAt = time.GetTimestamp();
        var state = await store.ReadAsync(epoch, cancellationToken).ConfigureAwait(false);
        foreach (var news in state.News)
        {
            queue.Hear(news);
        }

        if (tidiedAt == 0 || time.GetElapsedTime(tidiedAt) >= TidyInterval)
        {
            tidiedAt = time.GetTimestamp();
            await store.TidyAsync(cancellationToken).ConfigureAwait(false);
        }

        return queue.Shares.Learn(state.DeliveringNodes);
    }

    private async ValueTask ExchangeAsync(NodeEpoch epoch, CancellationToken cancellationToken)
    {
        exchangedAt = time.GetTimestamp();
        var (known, asks) = queue.Shares.CollectShares();
        var result = await store.ExchangeAsync(epoch, known, asks, cancellationToken).ConfigureAwait(false);
        if (ReferenceEquals(epoch, lease.Epoch))
        {
            queue.Shares.ApplyShares(result, asks);
            acknowledged = result.Nodes ?? -1;
        }
    }

    private async Task WaitAsync(TimeSpan limit)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        using var timer = time.CreateTimer(static s => ((CancellationTokenSource)s!).Cancel(), timeout, limit, Timeout.InfiniteTimeSpan);
        try
        {
            await wake.WaitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The time has come.
        }
    }
}
