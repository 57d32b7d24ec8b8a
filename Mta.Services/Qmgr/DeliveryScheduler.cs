using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Services.Clients;

namespace Mta.Services.Qmgr;

/// <summary>
/// Decides which delivery begins when: transports with their process limits, destinations with their concurrency windows, dead
/// destinations. One lock guards it all; nothing under it waits.
/// </summary>
/// <param name="mayStart">Asked under the lock before a delivery begins; false when its message is not to be tried any more.</param>
internal sealed partial class DeliveryScheduler(
    TimeProvider time, MailLog log, Func<DeliveryRequest, bool> mayStart, Action<DeliveryRequest, bool> requestEnded) : IAsyncDisposable
{
    /// <summary>For how long it is remembered that a destination was dead: its first success is news to the other nodes.</summary>
    private static readonly TimeSpan DeadMemory = TimeSpan.FromHours(2);

    private readonly Lock gate = new();
    private readonly Dictionary<string, TransportQueue> transports = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stopping = new();
    private long mayBeginUntil = long.MaxValue;
    private int running;
    private TaskCompletionSource? drained;

    /// <summary>Deliveries under way.</summary>
    public int Running => Volatile.Read(ref running);

    /// <summary>False while the node has no lease: deliveries wait.</summary>
    public bool MayDeliver { get => field && LeaseHeld(); set; } = true;

    /// <summary>Asked before each delivery: a process that was stopped for a while must not wait for its heartbeat to learn of it.</summary>
    public required Func<bool> LeaseHeld { get; init; }

    /// <summary>
    /// Deliveries may begin before it, a timestamp: until then it is known what administrators ask for. A node that cannot read that
    /// begins none.
    /// </summary>
    public long MayBeginUntil
    {
        get => Volatile.Read(ref mayBeginUntil);
        set => Volatile.Write(ref mayBeginUntil, value);
    }

    /// <summary>Takes the delivery services of the configuration; destinations keep their state.</summary>
    public void Configure(IEnumerable<TransportService> services)
    {
        lock (gate)
        {
            var known = new HashSet<string>(StringComparer.Ordinal);
            foreach (var service in services)
            {
                known.Add(service.Name);
                if (transports.TryGetValue(service.Name, out var queue))
                {
                    queue.Replace(service);
                }
                else
                {
                    transports.Add(service.Name, new TransportQueue(service));
                }
            }

            foreach (var name in transports.Keys.Where(name => !known.Contains(name) && transports[name].Busy == 0).ToArray())
            {
                transports.Remove(name);
            }
        }
    }

    /// <summary>The service and how many recipients it takes at once; null when master.cf has none of this name.</summary>
    public (TransportService Service, int RecipientLimit)? Find(string transport)
    {
        lock (gate)
        {
            return transports.TryGetValue(transport, out var queue) ? (queue.Service, queue.RecipientLimit) : null;
        }
    }

    /// <summary>Puts deliveries of one message to one destination in line, or hands the reason back when the destination is dead.</summary>
    public DeliveryStatus? Enqueue(MessageEntries entries, string transport, string destination)
    {
        lock (gate)
        {
            if (!transports.TryGetValue(transport, out var transportQueue))
            {
                return DeliveryStatus.Deferred("4.3.0", "mail transport unavailable");
            }

            var queue = transportQueue.Destination(destination);
            if (queue.DeadReason is { } reason)
            {
                if (queue.NotBefore > time.GetTimestamp())
                {
                    return reason;
                }

                queue.DeadReason = null;
                queue.Window.Revive(queue.Busy, shares.Nodes);
            }

            queue.Add(entries);
            transportQueue.LineUp(queue);
        }

        Pump(transport);
        return null;
    }

    /// <summary>The destination as a whole failed; the deliveries that waited for it, when it is dead by that.</summary>
    public List<DeliveryRequest> Failed(DeliveryRequest request, DeliveryStatus reason)
    {
        lock (gate)
        {
            request.DestinationHasFailed = true;
            if (!transports.TryGetValue(request.Transport, out var transport))
            {
                return [];
            }

            var queue = transport.Destination(request.QueueName);
            if (queue.DeadReason is not null || !queue.Window.Failed())
            {
                return [];
            }

            var backoff = transport.Service.Settings.Get(Parameters.MinimalBackoffTime);
            queue.DeadReason = DeliveryStatus.Deferred(reason.Dsn, "delivery temporarily suspended: " + reason.Text);
            queue.NotBefore = time.GetTimestamp() + Ticks(backoff);
            TellDead(queue, request, reason, backoff);
            return queue.TakeAll();
        }
    }

    /// <summary>Takes out the waiting deliveries that match.</summary>
    public List<DeliveryRequest> TakeWhere(Predicate<DeliveryRequest> match)
    {
        var taken = new List<DeliveryRequest>();
        lock (gate)
        {
            foreach (var transport in transports.Values)
            {
                transport.TakeWhere(match, taken);
            }
        }

        return taken;
    }

    /// <summary>Forgets that destinations are dead (postqueue -f).</summary>
    public void ReviveAll()
    {
        lock (gate)
        {
            foreach (var transport in transports.Values)
            {
                foreach (var queue in transport.Destinations)
                {
                    Revive(queue);
                }
            }
        }
    }

    /// <summary>Begins what may begin: after the lease is back, a rate delay has ended, a reload. Called about once a second.</summary>
    public void PumpAll()
    {
        string[] names;
        lock (gate)
        {
            var now = time.GetTimestamp();
            names = [.. transports.Keys];
            foreach (var transport in transports.Values)
            {
                transport.Tidy(now, shares.Nodes, now - Ticks(DeadMemory));
            }
        }

        foreach (var name in names)
        {
            Pump(name);
        }
    }

    /// <summary>Begins no more deliveries and waits for those under way, up to the limit; then they are cancelled.</summary>
    public async ValueTask StopAsync(TimeSpan limit)
    {
        Task waiting;
        lock (gate)
        {
            MayDeliver = false;
            drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (running == 0)
            {
                drained.TrySetResult();
            }

            waiting = drained.Task;
        }

        stopping.CancelAfter(limit);
        await Task.WhenAny(waiting, Task.Delay(limit + TimeSpan.FromSeconds(2), time)).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        stopping.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Pump(string transport)
    {
        while (Begin(transport, null) is { } begun)
        {
            _ = RunAsync(begun);
        }
    }

    /// <summary>Takes the next delivery of a transport, after <paramref name="ended"/> has given its place back.</summary>
    private Delivery? Begin(string transportName, Delivery? ended)
    {
        lock (gate)
        {
            if (ended is { } delivery)
            {
                End(delivery.Queue, delivery.Request);
            }

            if (Take(transportName) is not { } next)
            {
                if (ended is not null && --running == 0)
                {
                    drained?.TrySetResult();
                }

                return null;
            }

            next.Queue.Busy++;
            next.Queue.Transport.Busy++;
            if (ended is null)
            {
                running++;
            }

            return next;
        }
    }

    private Delivery? Take(string transportName)
    {
        var now = time.GetTimestamp();
        if (!MayDeliver || now >= MayBeginUntil || !transports.TryGetValue(transportName, out var transport))
        {
            return null;
        }

        while (transport.Next(now, shares) is { } queue)
        {
            var request = queue.Take();
            if (mayStart(request))
            {
                return new Delivery(request, queue, transport.Service.Agent);
            }
        }

        return null;
    }

    private void End(DestinationQueue queue, DeliveryRequest request)
    {
        if (!request.DestinationHasFailed)
        {
            queue.DeadReason = null;
            queue.Window.Succeeded(queue.Busy);
            if (queue.Throttled)
            {
                TellAlive(queue, request);
            }
        }

        queue.Busy--;
        queue.Transport.Busy--;
        if (queue.Transport.RateDelay > TimeSpan.Zero || queue.Transport.TransportRateDelay > TimeSpan.Zero)
        {
            var now = time.GetTimestamp();
            queue.RateUntil = now + Ticks(queue.Transport.RateDelay);
            queue.Transport.RateUntil = now + Ticks(queue.Transport.TransportRateDelay);
            WakeAfter(queue.Transport);
        }

        shares.Ended(queue);
        shares.Ended(queue.Transport);
        queue.Transport.LineUp(queue);
    }

    private async Task RunAsync(Delivery delivery)
    {
        for (Delivery? next = delivery; next is { } current; next = Begin(current.Request.Transport, current))
        {
            var request = current.Request;
            request.StartTimestamp = time.GetTimestamp();
            var cancelled = false;
            try
            {
                await current.Agent.DeliverAsync(request, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                // We are going down: what was not reported stays in the queue.
                cancelled = true;
            }
#pragma warning disable CA1031 // An agent's own bug must not stop the queue; the recipients without outcome are deferred.
            catch (Exception e)
#pragma warning restore CA1031
            {
                log.Panic(request.Transport, $"{request.Envelope.Id}: {e}");
            }

            requestEnded(request, cancelled);
        }
    }

    private void WakeAfter(TransportQueue transport)
    {
        if (transport.NextRateDelayEnd(time.GetTimestamp()) is not { } end)
        {
            return;
        }

        var delay = TimeSpan.FromSeconds((double)Math.Max(0, end - time.GetTimestamp()) / time.TimestampFrequency);
        _ = Task.Delay(delay, time, stopping.Token).ContinueWith(
            _ => Pump(transport.Name), stopping.Token, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private readonly record struct Delivery(DeliveryRequest Request, DestinationQueue Queue, IDeliveryAgent Agent);
}
