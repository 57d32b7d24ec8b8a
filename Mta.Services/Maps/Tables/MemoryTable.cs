using System.Collections.Frozen;
using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>A table whose content is known when it is opened: <c>inline:</c> and <c>texthash:</c>.</summary>
/// <param name="entries">Keys in lower case.</param>
internal sealed class MemoryTable(string reference, IEnumerable<KeyValuePair<string, string>> entries) : IListedTable
{
    private readonly FrozenDictionary<string, string> entries = entries.ToFrozenDictionary(StringComparer.Ordinal);

    public string Reference => reference;

    public bool MatchesWholeKey => false;

    public IEnumerable<KeyValuePair<string, string>> Entries => entries;

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) =>
        entries.TryGetValue(key.ToLowerInvariant(), out var value) ? new(LookupResult.Found(value)) : default;
}
