using Mta.Services.Clients;
using Mta.Services.Nodes;
using Mta.Storage;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Storage.Shares;

namespace Mta.Services.Qmgr;

/// <summary>Brings mail into the active queue: what nobody owns, what is due again, and what a lost answer left behind.</summary>
public sealed class QueueClaims(QueueManager queue, QueueReader reader, NodeLease lease, MailLog log, TimeProvider time) : IAsyncDisposable
{
    private const string Tag = "qmgr";
    private const int BatchMessages = 200;
    private const int DueDestinations = 50;

    /// <summary>As many as are delivered at once to a destination of which nothing is known (initial_destination_concurrency).</summary>
    private const int ProbeMessages = 5;

    /// <summary>Polls after which the floor is forgotten: mail of an ended epoch has old ids.</summary>
    private const int PollsPerFloor = 10;

    private readonly SemaphoreSlim wake = new(0, 1);
    private readonly CancellationTokenSource stopping = new();
    private volatile bool sweepNeeded;
    private volatile bool floorForgotten;
    private int sweepsLeft;
    private int pollsToSweep;
    private Task? running;
    private long floor;
    private long mark;
    private int polls;
    private bool failing;

    /// <summary>
    /// After a failure the epoch's rows are compared with what the node holds at once, and this many times more: a statement whose connection
    /// was given up may still reach the server. A quiet node does not read the whole table.
    /// </summary>
    private const int SweepsAfterFailure = 5;

    private const int PollsPerSweep = 20;

    /// <summary>The time between polls; NOTIFY and requests only shorten it.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What nodes know together of dead destinations.</summary>
    public ShareStore? Shares { get; init; }

    /// <summary>False on a node that only receives: its mail is claimed by others.</summary>
    public bool Delivers { get; set; } = true;

    public void Start() => running = Task.Run(RunAsync);

    /// <summary>Looks at once.</summary>
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

    /// <summary>Looks at once, at all of incoming: mail with old ids may have come back to it.</summary>
    public void WakeForIncoming()
    {
        floorForgotten = true;
        Wake();
    }

    /// <summary>The epoch may own messages that the node does not hold.</summary>
    public void Sweep()
    {
        sweepNeeded = true;
        Wake();
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

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                queue.Tick();
                if (lease.IsHeld && Delivers && !lease.IsDrained)
                {
                    await PollAsync(stopping.Token).ConfigureAwait(false);
                }

                if (failing)
                {
                    failing = false;
                    log.Info(Tag, $"the queue can be read again");
                }

                // Jitter, so that nodes do not poll in step.
                await WaitAsync(PollInterval * (0.9 + (0.2 * Random.Shared.NextDouble()))).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (StorageException e)
            {
                // The answer to a claim may have been lost.
                sweepNeeded = true;
                if (!failing)
                {
                    failing = true;
                    log.Warning(Tag, $"the queue cannot be read: {e.Message}");
                }

                await WaitAsync(PollInterval).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Our own bug: it is seen, and claims go on.
            catch (Exception e)
#pragma warning restore CA1031
            {
                sweepNeeded = true;
                log.Panic(Tag, $"claims: {e.ToString()}");
                await WaitAsync(PollInterval).ConfigureAwait(false);
            }
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

    private async ValueTask PollAsync(CancellationToken cancellationToken)
    {
        if (sweepNeeded)
        {
            sweepNeeded = false;
            sweepsLeft = SweepsAfterFailure;
            pollsToSweep = PollsPerSweep;
            await SweepAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (sweepsLeft > 0 && --pollsToSweep <= 0)
        {
            sweepsLeft--;
            pollsToSweep = PollsPerSweep;
            await SweepAsync(cancellationToken).ConfigureAwait(false);
        }

        await ClaimIncomingAsync(cancellationToken).ConfigureAwait(false);
        await ClaimDueAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ClaimIncomingAsync(CancellationToken cancellationToken)
    {
        if (++polls % PollsPerFloor == 0 || mark != lease.IncomingMark || floorForgotten)
        {
            floorForgotten = false;
            mark = lease.IncomingMark;
            floor = 0;
        }

        while (queue.Room > 0 && lease.IsHeld && !queue.IsLoaded(lease.LeastLoad))
        {
            var epoch = lease.Epoch;
            var batch = await reader.ClaimIncomingAsync(epoch, floor, Math.Min(BatchMessages, queue.Room), cancellationToken).ConfigureAwait(false);
            if (batch.Count == 0)
            {
                return;
            }

            floor = batch.Min(m => m.Envelope.Id.Value) - 1;
            await ActivateAsync(batch, epoch, cancellationToken).ConfigureAwait(false);
            if (batch.Count < BatchMessages)
            {
                return;
            }
        }
    }

    private async ValueTask ClaimDueAsync(CancellationToken cancellationToken)
    {
        if (queue.Room == 0)
        {
            return;
        }

        var more = false;
        foreach (var destination in await reader.DueDestinationsAsync(DueDestinations, cancellationToken).ConfigureAwait(false))
        {
            if (queue.IsSuspended(destination.Name))
            {
                // Resumed a moment ago, which this node has still to read: what it took now would only be deferred again.
                continue;
            }

            if (destination.Flushed)
            {
                queue.ReviveDestinations();
            }

            // New mail first: a backlog takes at most half of the room that is left.
            var room = Math.Min(QueueReader.DeferredBatchMessages, (queue.Room + 1) / 2);
            if (room == 0 || !lease.IsHeld)
            {
                return;
            }

            var epoch = lease.Epoch;
            if (destination.WasDead)
            {
                // One node tries a few messages; when one of them gets through, all nodes hear of it.
                if (Shares is null || !await Shares.ProbeAsync(epoch, destination.Name, cancellationToken).ConfigureAwait(false))
                {
                    continue;
                }

                queue.Shares.Revive(destination.Name);
                room = Math.Min(room, ProbeMessages);
            }

            var claimed = await reader.ClaimDeferredAsync(epoch, destination.Name, room, cancellationToken).ConfigureAwait(false);
            await ActivateAsync(claimed, epoch, cancellationToken).ConfigureAwait(false);
            more |= claimed.Count == QueueReader.DeferredBatchMessages;
        }

        if (more)
        {
            // Full batches: there may be more, and nothing to wait for.
            Wake();
        }
    }

    private async ValueTask ActivateAsync(IReadOnlyList<ClaimedMessage> messages, NodeEpoch epoch, CancellationToken cancellationToken)
    {
        foreach (var message in messages)
        {
            // Ours by the commit of the claim: nothing may keep us from taking charge of it now.
            await queue.ActivateAsync(message, epoch, CancellationToken.None).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private async ValueTask SweepAsync(CancellationToken cancellationToken)
    {
        var epoch = lease.Epoch;
        var found = await reader.OwnedBesideAsync(epoch, queue.HeldIds(), cancellationToken).ConfigureAwait(false);
        if (found.Count > 0)
        {
            log.Warning(Tag, $"{found.Count} messages of this node's epoch were not in memory; they are now (a commit whose answer was lost, or a failed read)");
            await ActivateAsync(found, epoch, cancellationToken).ConfigureAwait(false);
        }
    }
}
