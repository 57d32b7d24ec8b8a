using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Services.Nodes;

/// <summary>
/// The node's lease on its epoch, renewed by a heartbeat. A node that cannot renew it fences itself before it ends: it accepts and
/// delivers nothing until it has renewed or, when somebody ended its epoch, begun another.
/// </summary>
public sealed class NodeLease : IAsyncDisposable
{
    private const string Tag = "qmgr";

    private readonly NodeRegistry registry;
    private readonly NodeIdentity identity;
    private readonly TimeProvider time;
    private readonly MailLog log;
    private readonly CancellationTokenSource stopping = new();
    private volatile LeaseTimes times;
    private volatile State state;
    private Task? running;
    private Task takingOver = Task.CompletedTask;
    private TimeSpan unbrokenSince;
    private long leaseEnd;
    private volatile bool drained;
    private long incomingMark;
    private long newestEpoch;
    private volatile int leastLoad = -1;

    private NodeLease(NodeRegistry registry, NodeIdentity identity, LeaseTimes times, TimeProvider time, MailLog log, NodeEpoch epoch, TimeSpan sent)
    {
        this.registry = registry;
        this.identity = identity;
        this.times = times;
        this.time = time;
        this.log = log;
        state = Begin(epoch);
        unbrokenSince = sent;
        leaseEnd = (sent + times.Lease).Ticks;
    }

    /// <summary>The epoch that new mail is owned by.</summary>
    public NodeEpoch Epoch => state.Epoch;

    public bool IsHeld => BootClock.Now.Ticks < Volatile.Read(ref leaseEnd);

    /// <summary>An administrator has drained the node: it takes no new mail and gives back what it has.</summary>
    public bool IsDrained => drained;

    /// <summary>Messages in the active queue of the other node that has the fewest, as of the last heartbeats; null when no other one delivers.</summary>
    public int? LeastLoad => leastLoad is >= 0 and var load ? load : null;

    /// <summary>What the node tells with its heartbeats.</summary>
    public Func<NodeReport> Report { get; set; } = static () => new NodeReport { Delivers = true };

    /// <summary>Changes when incoming may have got mail with old ids: an epoch has ended, or a node is being drained.</summary>
    public long IncomingMark => Volatile.Read(ref incomingMark);

    /// <summary>Somebody ended our epoch: what was in memory is no longer ours. A new epoch has begun when this is raised.</summary>
    public event Action? EpochEnded;

    /// <summary>After each try to renew, with whether the lease is held.</summary>
    public event Action<bool>? Beat;

    public QueueId NextId() => state.Ids.Next();

    /// <summary>Begins an epoch; null when another instance of this name holds a live lease. Throws <see cref="StorageException"/>.</summary>
    public static async ValueTask<NodeLease?> BeginAsync(
        NodeRegistry registry, NodeIdentity identity, LeaseTimes times, TimeProvider time, MailLog log, CancellationToken cancellationToken)
    {
        var sent = BootClock.Now;
        var epoch = await registry.BeginAsync(identity, times.Lease, cancellationToken).ConfigureAwait(false);
        return epoch is null ? null : new NodeLease(registry, identity, times, time, log, epoch, sent);
    }

    /// <summary>Starts the heartbeat; after the events have their handlers.</summary>
    public void Start() => running = Task.Run(RunAsync);

    public void Configure(LeaseTimes newTimes) => times = newTimes;

    /// <summary>Ends the epoch: what is left of its mail goes back to incoming.</summary>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        await StopBeatingAsync().ConfigureAwait(false);
        Volatile.Write(ref leaseEnd, 0);
        try
        {
            // The exact bound: the ids of the next epoch begin right after it.
            await registry.HeartbeatAsync(Epoch, TimeSpan.Zero, Report() with { LastId = state.Ids.Last }, times.BeatLimit, cancellationToken).ConfigureAwait(false);
            await registry.EndAsync(Epoch, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            log.Warning(Tag, $"the node's epoch cannot be ended, its mail waits for the next start or another node: {e.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopBeatingAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    private async ValueTask StopBeatingAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        if (running is { } task)
        {
            await task.ConfigureAwait(false);
        }

        await takingOver.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(times.Heartbeat, time);
        var failing = false;
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                timer.Period = times.Heartbeat;
                failing = !await BeatAsync(failing).ConfigureAwait(false);
                Beat?.Invoke(IsHeld);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async ValueTask<bool> BeatAsync(bool wasFailing)
    {
        try
        {
            var sent = BootClock.Now;
            var answer = await registry.HeartbeatAsync(Epoch, times.Lease, Report() with { LastId = state.Ids.Last }, times.BeatLimit, stopping.Token)
                .ConfigureAwait(false);
            if (answer.IsAlive)
            {
                Take(answer);
                Volatile.Write(ref leaseEnd, (sent + times.Lease).Ticks);
            }
            else
            {
                await BeginAgainAsync(stopping.Token).ConfigureAwait(false);
            }

            if (wasFailing)
            {
                log.Info(Tag, $"database is back, lease renewed");
                unbrokenSince = sent;
            }

            // Beside the heartbeat: what it waits for, or how much mail it moves, must not cost this node its own lease.
            if (takingOver.IsCompleted && sent - unbrokenSince >= times.Lease + times.Grace)
            {
                takingOver = TakeOverAsync(stopping.Token);
            }

            return true;
        }
        catch (StorageException e)
        {
            if (!wasFailing)
            {
                log.Warning(Tag, $"lease cannot be renewed: {e.Message}");
            }

            return false;
        }
#pragma warning disable CA1031 // Our own bug: it is seen, and the heart does not stop of it.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            log.Panic(Tag, $"heartbeat: {e.ToString()}");
            return false;
        }
    }

    private void Take(HeartbeatAnswer answer)
    {
        leastLoad = answer.LeastLoad ?? -1;
        if (answer.NewestEpoch != newestEpoch || answer.OthersDrain)
        {
            newestEpoch = answer.NewestEpoch;
            Interlocked.Increment(ref incomingMark);
        }

        if (answer.Drained != drained)
        {
            drained = answer.Drained;
            log.Info(Tag, $"{(drained ? "this node is drained: it takes no new mail and gives back what it has" : "this node is no longer drained")}");
        }
    }

    private async ValueTask BeginAgainAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref leaseEnd, 0);
        var sent = BootClock.Now;
        if (await registry.BeginAsync(identity, times.Lease, cancellationToken).ConfigureAwait(false) is not { } epoch)
        {
            throw new StorageException(StorageFailure.Conflict, $"another node runs under the name {identity.Name}: set node_name in main.cf");
        }

        log.Warning(Tag, $"the epoch of this node was ended by another one; it goes on under a new epoch");
        state = Begin(epoch);
        EpochEnded?.Invoke();
        unbrokenSince = sent;
        Volatile.Write(ref leaseEnd, (sent + times.Lease).Ticks);
    }

    /// <summary>
    /// Only a node that has itself renewed without a break for lease and grace may end the epochs of others: after an outage of the database
    /// all leases have ended, and that is nobody's fault.
    /// </summary>
    private async Task TakeOverAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var name in await registry.TakeOverAsync(Epoch, times.Grace, cancellationToken).ConfigureAwait(false))
            {
                log.Warning(Tag, $"node {name} is silent: its epoch is ended and its mail goes to incoming");
            }
        }
        catch (StorageException e)
        {
            log.Warning(Tag, $"the epoch of a silent node cannot be ended, it is tried again: {e.Message}");
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private State Begin(NodeEpoch epoch)
    {
        drained = epoch.Drained;
        return new(epoch, new QueueIdSource(time, epoch.Number, epoch.IdFloor));
    }

    private sealed record State(NodeEpoch Epoch, QueueIdSource Ids);
}
