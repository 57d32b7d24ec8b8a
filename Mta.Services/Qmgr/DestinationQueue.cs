using Mta.Core.Delivery;
using Mta.Core.Qmgr;
using Mta.Services.Clients;

namespace Mta.Services.Qmgr;

/// <summary>
/// Deliveries that wait for one destination of one transport. Messages take turns, so that one with thousands of recipients does not hold
/// up the single ones behind it. Guarded by the scheduler's lock.
/// </summary>
internal sealed class DestinationQueue(TransportQueue transport, string name, ConcurrencyWindow window) : ShareHolder
{
    private readonly Queue<MessageEntries> turns = new();

    public TransportQueue Transport { get; } = transport;

    public string Name { get; } = name;

    public ConcurrencyWindow Window { get; } = window;

    public override string ShareName => field ??= SharedName(Transport.Name, Name);

    public override int Slots => Transport.DestinationSlots;

    public override TimeSpan Delay => Transport.RateDelay;

    // Room for the window to grow is asked for along with what it lets begin now.
    public override int Demand => HasWork ? Math.Min(Math.Max(Busy + 1, 2 * Window.Window), Busy + turns.Count) : Busy;

    /// <summary>Why the destination is dead; null when it is not.</summary>
    public DeliveryStatus? DeadReason { get; set; }

    /// <summary>When a dead destination may be tried again; a timestamp.</summary>
    public long NotBefore { get; set; }

    /// <summary>Other nodes have been told, or have told, that it is dead, and not yet that it lives.</summary>
    public bool Throttled { get; set; }

    /// <summary>It stands in its transport's line of destinations with work.</summary>
    public bool InLine { get; set; }

    public bool HasWork => turns.Count > 0;

    public bool IsIdle => !HasWork && Busy == 0 && DeadReason is null && !Listed;

    public static string SharedName(string transport, string destination) => transport + ":" + destination.ToLowerInvariant();

    public void Add(MessageEntries entries) => turns.Enqueue(entries);

    /// <summary>The next delivery: the next one of the message whose turn it is.</summary>
    public DeliveryRequest Take()
    {
        var turn = turns.Dequeue();
        var request = turn.Take();
        if (turn.HasMore)
        {
            turns.Enqueue(turn);
        }

        return request;
    }

    /// <summary>Takes out the waiting deliveries that match; the others keep their turns.</summary>
    public void TakeWhere(Predicate<DeliveryRequest> match, List<DeliveryRequest> taken)
    {
        for (var left = turns.Count; left > 0; left--)
        {
            var turn = turns.Dequeue();
            MessageEntries? kept = null;
            while (turn.HasMore)
            {
                var request = turn.Take();
                if (match(request))
                {
                    taken.Add(request);
                }
                else if (kept is null)
                {
                    kept = new MessageEntries(request);
                }
                else
                {
                    kept.Add(request);
                }
            }

            if (kept is not null)
            {
                turns.Enqueue(kept);
            }
        }
    }

    /// <summary>All waiting deliveries, taken out: the destination is dead.</summary>
    public List<DeliveryRequest> TakeAll()
    {
        var all = new List<DeliveryRequest>();
        while (HasWork)
        {
            all.Add(Take());
        }

        return all;
    }
}

/// <summary>Deliveries of one message to one destination: nearly always one.</summary>
internal sealed class MessageEntries(DeliveryRequest first)
{
    private DeliveryRequest? next = first;
    private Queue<DeliveryRequest>? more;

    public bool HasMore => next is not null;

    public void Add(DeliveryRequest request) => (more ??= new Queue<DeliveryRequest>()).Enqueue(request);

    public DeliveryRequest Take()
    {
        var taken = next ?? throw new InvalidOperationException("no delivery left");
        next = more is { Count: > 0 } ? more.Dequeue() : null;
        return taken;
    }
}
