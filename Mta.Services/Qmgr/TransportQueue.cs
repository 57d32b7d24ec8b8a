using Mta.Core.Config;
using Mta.Core.Qmgr;
using Mta.Services.Clients;

namespace Mta.Services.Qmgr;

/// <summary>One transport: its destinations, and the line of those that have work. Guarded by the scheduler's lock.</summary>
internal sealed class TransportQueue(TransportService service)
{
    private readonly Dictionary<string, DestinationQueue> destinations = new(StringComparer.OrdinalIgnoreCase);

    // Destinations with work, in turn: none can starve the others of the transport's process limit.
    private readonly Queue<DestinationQueue> line = new();

    /// <summary>The service as of the last reload.</summary>
    public TransportService Service { get; private set; } = service;

    public string Name => Service.Name;

    public int RecipientLimit { get; private set; } = Math.Max(1, service.Settings.Transport(service.Name, Parameters.DefaultDestinationRecipientLimit));

    public TimeSpan RateDelay { get; private set; } = service.Settings.Transport(service.Name, Parameters.DefaultDestinationRateDelay);

    /// <summary>Deliveries under way, over all destinations.</summary>
    public int Busy { get; set; }

    public bool HasRoom => Service.ProcessLimit == 0 || Busy < Service.ProcessLimit;

    public void Replace(TransportService service)
    {
        Service = service;
        RecipientLimit = Math.Max(1, service.Settings.Transport(service.Name, Parameters.DefaultDestinationRecipientLimit));
        RateDelay = service.Settings.Transport(service.Name, Parameters.DefaultDestinationRateDelay);
    }

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
    public DestinationQueue? Next(long now)
    {
        for (var left = HasRoom ? line.Count : 0; left > 0; left--)
        {
            var queue = line.Dequeue();
            if (!queue.HasWork)
            {
                queue.InLine = false;
                continue;
            }

            line.Enqueue(queue);
            var concurrency = RateDelay > TimeSpan.Zero ? 1 : queue.Window.Window;
            if (queue.Busy < concurrency && queue.NotBefore <= now)
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
        long? next = null;
        foreach (var queue in line)
        {
            if (queue.HasWork && queue.NotBefore > now && (next is null || queue.NotBefore < next))
            {
                next = queue.NotBefore;
            }
        }

        return next;
    }

    /// <summary>Revives destinations whose suspension has ended and forgets idle ones.</summary>
    public void Tidy(long now)
    {
        List<string>? idle = null;
        foreach (var (name, queue) in destinations)
        {
            if (queue.DeadReason is not null && queue.NotBefore <= now)
            {
                queue.DeadReason = null;
                queue.Window.Revive(queue.Busy);
            }

            if (queue.IsIdle && !queue.InLine && queue.NotBefore <= now)
            {
                (idle ??= []).Add(name);
            }
        }

        idle?.ForEach(name => destinations.Remove(name));
    }

    private ConcurrencyLimits Limits()
    {
        var settings = Service.Settings;
        return new ConcurrencyLimits(
            settings.Transport(Name, Parameters.InitialDestinationConcurrency),
            settings.Transport(Name, Parameters.DefaultDestinationConcurrencyLimit),
            settings.Transport(Name, Parameters.DefaultDestinationConcurrencyFailedCohortLimit),
            Feedback(settings.Transport(Name, Parameters.DefaultDestinationConcurrencyPositiveFeedback)),
            Feedback(settings.Transport(Name, Parameters.DefaultDestinationConcurrencyNegativeFeedback)));
    }

    // 1 is the default of both, and what a value that is none becomes: the loader has warned of it.
    private static ConcurrencyFeedback Feedback(string text) =>
        ConcurrencyFeedback.TryParse(text, out var feedback) ? feedback : new ConcurrencyFeedback(1, ConcurrencyFeedback.Scaling.None);
}
