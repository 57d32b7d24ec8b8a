using Mta.Core.Lookup;
using Mta.Services.Maps.Stored;

namespace Mta.Services.Maps;

/// <summary>
/// What of some tables may have to be asked in the database, key by key: large stored tables that changed a moment ago, or are very large.
/// All keys of a search are fetched in one round trip, which costs more than everything else that a lookup does.
/// </summary>
internal sealed class FarTables
{
    /// <summary>For each table those that it asks; null when none asks any.</summary>
    private readonly StoredTable[][]? stored;

    public FarTables(IReadOnlyList<ILookupTable> tables)
    {
        StoredTable[][] all = [.. tables.Select(t => Within(t).ToArray())];
        stored = Array.Exists(all, a => a.Length > 0) ? all : null;
    }

    /// <summary>True when any of the tables would have to ask the database for the key.</summary>
    public bool Lack(string key)
    {
        for (var i = 0; i < (stored?.Length ?? 0); i++)
        {
            if (Lacks(i, key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True when the table would have to ask the database for the key.</summary>
    public bool Lacks(int table, string key)
    {
        foreach (var candidate in stored?[table] ?? [])
        {
            if (candidate.Lacks(key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Fetches for a table and those after it the key that a search is at, and all that may follow.</summary>
    public ValueTask FetchAsync<TKeys>(int first, TKeys keys, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys
    {
        var all = new List<string> { keys.Key };
        while (keys.MoveNext())
        {
            all.Add(keys.Key);
        }

        return StoredTable.PrefetchAsync([.. stored!.Skip(first).SelectMany(t => t).Distinct()], all, cancellationToken);
    }

    private static IEnumerable<StoredTable> Within(ILookupTable table) => table switch
    {
        StoredTable one => [one],
        // Tables of patterns among them are asked for the whole key only, and with them all.
        IOuterTable { MatchesWholeKey: false } outer => outer.Inner.SelectMany(Within),
        _ => [],
    };
}
