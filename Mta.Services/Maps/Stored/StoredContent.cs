using System.Collections.Frozen;
using Mta.Core.Lookup;
using Mta.Storage.Maps;

namespace Mta.Services.Maps.Stored;

/// <summary>What a node knows of a stored table at one version of it. Never changes version: a change makes a new one.</summary>
internal abstract class StoredContent(StoredTableVersion version)
{
    /// <summary>The default value for a table that does not exist.</summary>
    public StoredTableVersion Version => version;

    /// <summary>True when the answer is in memory.</summary>
    public abstract bool TryFind(string key, out LookupResult result);
}

/// <summary>A small table, all of it.</summary>
internal sealed class WholeContent(StoredTableVersion version, IEnumerable<KeyValuePair<string, string>> entries) : StoredContent(version)
{
    private readonly FrozenDictionary<string, string> entries = entries.ToFrozenDictionary(StringComparer.Ordinal);

    public override bool TryFind(string key, out LookupResult result)
    {
        result = entries.TryGetValue(key, out var value) ? LookupResult.Found(value) : LookupResult.NotFound;
        return true;
    }
}

/// <summary>A large table that is kept whole while it does not change.</summary>
internal sealed class CompactContent(StoredTableVersion version, CompactEntries entries) : StoredContent(version)
{
    public override bool TryFind(string key, out LookupResult result)
    {
        result = entries.TryGet(key, out var value) ? LookupResult.Found(value) : LookupResult.NotFound;
        return true;
    }
}

/// <summary>A large table: the keys that were asked for, found or not.</summary>
internal sealed class KeyedContent(StoredTableVersion version, int capacity, bool isTooLarge = false) : StoredContent(version)
{
    /// <summary>It was looked at, and is not worth looking at again.</summary>
    public bool IsTooLarge => isTooLarge;

    private readonly GenerationCache<LookupResult> answers = new(capacity);

    public override bool TryFind(string key, out LookupResult result) => answers.TryGet(key, out result);

    /// <summary>Keeps an answer that was asked for after this content was current, so that it is never older than the version.</summary>
    public void Keep(string key, LookupResult result) => answers.Set(key, result);
}

/// <summary>No table and no file to import.</summary>
internal sealed class MissingContent(string reason) : StoredContent(default)
{
    private readonly LookupResult failure = LookupResult.Failed(reason);

    public override bool TryFind(string key, out LookupResult result)
    {
        result = failure;
        return true;
    }
}
