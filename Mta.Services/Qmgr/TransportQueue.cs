using Mta.Core.Config;
using Mta.Core.Qmgr;
using Mta.Services.Clients;

namespace Mta.Services.Qmgr;

/// <summary>One transport: its destinations, and the line of those that have work. Guarded by the scheduler's lock.</summary>
internal sealed class TransportQueue(TransportService service) : ShareHolder
{
    private readonly Dictionary<string, DestinationQueue> destinations = new(StringComparer.OrdinalIgnoreCase);

    // Destinations with work, in turn: none can starve the others of the transport's process limit.
    private readonly Queue<DestinationQueue> line = new();

    /// <summary>The service as of the last reload.</summary>
    public TransportService Service { get; private set; } = service;

    public string Name => Service.Name;

    public int RecipientLimit { get; private set; } = Math.Max(1, service.Settings.Transport(service.Name, Parameters.DefaultDestinationRecipientLimit));

    /// <summary>Between two deliveries to one destination.</summary>
    public TimeSpan RateDelay { get; private set; } = service.Settings.Transport(service.Name, Parameters.DefaultDestinationRateDelay);

    /// <summary>Between two deliveries to any destination.</summary>
    public TimeSpan TransportRateDelay { get; private set; } = service.Settings.Transport(service.Name, Parameters.DefaultTransportRateDelay);

    /// <summary>Deliveries at once to one destination, over all nodes; 0 for no limit.</summary>
    public int DestinationSlots { get; private set; } = SlotsOf(service);

    public override string ShareName => Name + ":";

    public override int Slots => TransportRateDelay > TimeSpan.Zero ? 1 : 0;

    public override TimeSpan Delay => TransportRateDelay;

    public override int Demand => Math.Max(Busy, line.Count > 0 ? 1 : 0);

    public IEnumerable<DestinationQueue> Destinations => destinations.Values;

    public bool HasRoom => Service.ProcessLimit == 0 || Busy < Service.ProcessLimit;

    public void Replace(TransportService service)
    {
        Service = service;
        RecipientLimit = Math.Max(1, service.Settings.Transport(service.Name, Parameters.DefaultDestinationRecipientLimit));
        RateDelay = service.Settings.Transport(service.Name, Parameters.DefaultDestinationRateDelay);
        TransportRateDelay = service.Settings.Transport(service.Name, Parameters.DefaultTransportRateDelay);
        DestinationSlots = SlotsOf(service);
    }

    public DestinationQueue? Known(string name) => destinations.GetValueOrDefault(name);

    public DestinationQueue Destination(string name)
    {
        if (!destinations.TryGetValue(name, out var queue))
        {
            queue = new DestinationQueue(this, name, new ConcurrencyWindow(Limits()));
            destinations.Add(name, queue);
        }

        return queue;
    }

    /// <summary>Puts a destination with work at the end of the line.</summary>
    public void LineUp(DestinationQueue queue)
    {
        if (!queue.InLine && queue.HasWork)
        {
            queue.InLine = true;
            line.Enqueue(queue);
        }
    }

    /// <summary>The next destination that may begin a delivery now; null when none may.</summary>
    public DestinationQueue? Next(long now, ClusterShares shares)
    {
        if (!HasRoom || (TransportRateDelay > TimeSpan.Zero && line.Count > 0 && (Busy > 0 || RateUntil > now || !shares.MayBegin(this))))
        {
            return null;
        }

        for (var left = line.Count; left > 0; left--)
        {
            var queue = line.Dequeue();
            if (!queue.HasWork)
            {
                queue.InLine = false;
                continue;
            }

            line.Enqueue(queue);
            var concurrency = RateDelay > TimeSpan.Zero ? 1 : queue.Window.Window;
            if (queue.Busy < concurrency && queue.NotBefore <= now && queue.RateUntil <= now && shares.MayBegin(queue))
            {
                return queue;
            }
        }

        return null;
    }

    /// <summary>Takes out the waiting deliveries that match.</summary>
    public void TakeWhere(Predicate<DeliveryRequest> match, List<DeliveryRequest> taken)
    {
        foreach (var queue in destinations.Values)
        {
            queue.TakeWhere(match, taken);
        }
    }

    /// <summary>The earliest time at which a rate delay ends for a destination with work; null when none waits for one.</summary>
    public long? NextRateDelayEnd(long now)
    {
        long? next = line.Count > 0 && RateUntil > now ? RateUntil : null;
        foreach (var queue in line)
        {
            if (queue.HasWork && queue.RateUntil > now && (next is null || queue.RateUntil < next))
            {
                next = queue.RateUntil;
            }
        }

        return next;
    }

    /// <summary>Revives destinations that have been dead for long enough, and forgets idle ones.</summary>
    /// <param name="nodes">Nodes that try them now: together no more than one alone would.</param>
    /// <param name="forget">Idle ones that were dead longer ago are forgotten too.</param>
    public void Tidy(long now, int nodes, long forget)
    {
        List<string>? idle = null;
        foreach (var (name, queue) in destinations)
        {
            if (queue.DeadReason is not null && queue.NotBefore <= now)
            {
                queue.DeadReason = null;
                queue.Window.Revive(queue.Busy, nodes);
            }

            if (queue.IsIdle && !queue.InLine && queue.NotBefore <= now && queue.RateUntil <= now && (!queue.Throttled || queue.NotBefore <= forget))
            {
                (idle ??= []).Add(name);
            }
        }

        idle?.ForEach(name => destinations.Remove(name));
    }

    private static int SlotsOf(TransportService service) =>
        service.Settings.Transport(service.Name, Parameters.DefaultDestinationRateDelay) > TimeSpan.Zero ? 1
        : Math.Max(0, service.Settings.Transport(service.Name, Parameters.DefaultDestinationConcurrencyLimit));

    private ConcurrencyLimits Limits()
    {
        var settings = Service.Settings;
        var initial = settings.Transport(Name, Parameters.InitialDestinationConcurrency);
        var limit = settings.Transport(Name, Parameters.DefaultDestinationConcurrencyLimit);
        return new ConcurrencyLimits(
            limit > 0 ? Math.Min(initial, limit) : initial,
            limit,
            settings.Transport(Name, Parameters.DefaultDestinationConcurrencyFailedCohortLimit),
            Feedback(settings.Transport(Name, Parameters.DefaultDestinationConcurrencyPositiveFeedback)),
            Feedback(settings.Transport(Name, Parameters.DefaultDestinationConcurrencyNegativeFeedback)));
    }

    // 1 is the default of both, and what a value that is none becomes: the loader has warned of it.
    private static ConcurrencyFeedback Feedback(string text) =>
        ConcurrencyFeedback.TryParse(text, out var feedback) ? feedback : new ConcurrencyFeedback(1, ConcurrencyFeedback.Scaling.None);
}
