namespace Mta.Storage.Queue;

/// <summary>
/// How far the claims of each destination have come: the next one begins there. While a report holds a snapshot open, the index keeps the
/// entries of all that was claimed before, and a claim that began at the first of them would walk through all.
/// </summary>
internal sealed class ClaimFloors(TimeProvider time)
{
    private const int MostDestinations = 1000;

    /// <summary>Mail that others had locked while a claim went by is below the floor; so it is forgotten now and then.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, (DateTime Due, long Since)> floors = new(StringComparer.Ordinal);
    private readonly Lock gate = new();

    /// <summary>The due time from which to look; <see cref="DateTime.MinValue"/> for all.</summary>
    public DateTime Of(string destination)
    {
        lock (gate)
        {
            if (!floors.TryGetValue(destination, out var floor))
            {
                return DateTime.MinValue;
            }

            if (time.GetElapsedTime(floor.Since) < Lifetime)
            {
                return floor.Due;
            }

            floors.Remove(destination);
            return DateTime.MinValue;
        }
    }

    /// <summary>A claim has taken mail up to this due time.</summary>
    public void Raise(string destination, DateTime due)
    {
        lock (gate)
        {
            if (floors.Count >= MostDestinations)
            {
                floors.Clear();
            }

            floors[destination] = (due, floors.TryGetValue(destination, out var floor) ? floor.Since : time.GetTimestamp());
        }
    }

    public void Forget(string destination)
    {
        lock (gate)
        {
            floors.Remove(destination);
        }
    }
}
