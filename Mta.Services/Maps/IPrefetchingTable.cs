namespace Mta.Services.Maps;

/// <summary>A table that is asked over a network, and takes all keys of an address in one round trip.</summary>
internal interface IPrefetchingTable : ILookupTable
{
    /// <summary>True when asking for the key now would take a round trip of its own.</summary>
    bool Lacks(string key);

    /// <summary>Fetches what of the keys is not in memory. Failures are left to the lookups that follow.</summary>
    ValueTask PrefetchAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken);
}
