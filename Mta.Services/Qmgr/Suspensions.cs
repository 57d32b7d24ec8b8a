using System.Collections.Frozen;
using Mta.Core.Delivery;

namespace Mta.Services.Qmgr;

/// <summary>Destinations and senders whose mail an administrator wants deferred without an attempt.</summary>
internal sealed class Suspensions
{
    private const string SenderPlace = "(sender) ";

    private readonly FrozenSet<string> destinations;
    private readonly FrozenSet<string> senders;

    public Suspensions(IEnumerable<string> destinations, IEnumerable<string> senders)
    {
        this.destinations = destinations.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        this.senders = senders.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }

    public static Suspensions None { get; } = new([], []);

    public static DeliveryStatus Status { get; } = DeliveryStatus.Deferred("4.3.2", "delivery temporarily suspended: by the administrator");

    public bool IsEmpty => destinations.Count == 0 && senders.Count == 0;

    public bool HasDestination(string nexthop) => destinations.Count > 0 && destinations.Contains(nexthop);

    /// <summary>True when the mail that waits in deferred under this name is to stay there: of a next hop, or of a sender.</summary>
    public bool Holds(string place) =>
        place.StartsWith(SenderPlace, StringComparison.Ordinal) ? senders.Contains(place[SenderPlace.Length..]) : HasDestination(place);

    /// <summary>
    /// Where the mail of a suspended sender waits: a destination of its own, from which nobody claims until it is resumed. Null when the
    /// sender is not suspended.
    /// </summary>
    public string? FindSender(string sender)
    {
        if (senders.Count == 0 || sender.Length == 0)
        {
            return null;
        }

        var at = sender.LastIndexOf('@');
        return senders.TryGetValue(sender, out var found) || (at >= 0 && senders.TryGetValue(sender[at..], out found)) ? SenderPlace + found : null;
    }

    public bool SameAs(Suspensions other) => destinations.SetEquals(other.destinations) && senders.SetEquals(other.senders);
}
