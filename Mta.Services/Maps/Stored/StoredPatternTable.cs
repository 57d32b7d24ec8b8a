using Mta.Core.Lookup;
using Mta.Core.Lookup.Patterns;
using Mta.Services.Maps.Tables;
using Mta.Storage;
using Mta.Storage.Maps;

namespace Mta.Services.Maps.Stored;

/// <summary>
/// <c>cidr:</c>, <c>regexp:</c> or <c>pcre:</c> with a path or a name. Rules that are stored in the database under it are used; without
/// any, those of the file. What was read once goes on answering while the database is away.
/// </summary>
internal sealed class StoredPatternTable(PatternRules patterns, LookupStore store, Action<string> warn) : ILookupTable, IWatchedTable
{
    private readonly TableReference reference = patterns.Reference;
    private readonly LookupKind kind = LookupKinds.Find(patterns.Reference.Type) ?? throw new ArgumentException("no type of patterns", nameof(patterns));
    private readonly Lock gate = new();
    private volatile ILookupTable? rules;
    private StoredTableVersion? version;

    public string Reference { get; } = patterns.Reference.ToString();

    public string Name => reference.Name;

    public bool MatchesWholeKey => true;

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) =>
        rules is { } known ? known.FindAsync(key, cancellationToken) : FetchAsync(key, cancellationToken);

    /// <summary>Why there are no rules; null when there are, or when they were not read yet.</summary>
    public string? Problem => (rules as FailingTable)?.Reason;

    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        if (rules is null)
        {
            var versions = await store.ReadVersionsAsync([Name], cancellationToken).ConfigureAwait(false);
            await TakeAsync(versions.Count == 0 ? null : versions[0], cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask RefreshAsync(StoredTableVersion? found, CancellationToken cancellationToken) =>
        rules is null || found == version ? ValueTask.CompletedTask : new(TakeAsync(found, cancellationToken));

    private async ValueTask<LookupResult> FetchAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(cancellationToken).ConfigureAwait(false);
            return await rules!.FindAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            return LookupResult.Failed($"{Reference}: {e.Message}");
        }
    }

    private async Task TakeAsync(StoredTableVersion? found, CancellationToken cancellationToken)
    {
        var made = await MakeAsync(found, cancellationToken).ConfigureAwait(false);
        lock (gate)
        {
            // A read that began before a change was seen must not undo what came after it.
            if (rules is null || found?.Id != version?.Id || found?.Version >= version?.Version)
            {
                (rules, version) = (made, found);
            }
        }
    }

    private async Task<ILookupTable> MakeAsync(StoredTableVersion? found, CancellationToken cancellationToken)
    {
        if (found is not { } known)
        {
            var table = PatternTable.Open(patterns, warn);
            if (table is FailingTable { Reason: var reason })
            {
                warn($"{Reference} is unavailable. {reason}, and no rules are stored under that name");
            }

            return table;
        }

        if (known.Kind != kind)
        {
            var reason = $"the database has a table of this name whose kind is {LookupKinds.Name(known.Kind)}";
            warn($"{Reference} is unavailable. {reason}");
            return new FailingTable(Reference, reason);
        }

        var lines = new List<RuleLine>();
        foreach (var (position, rule) in await store.ReadRulesAsync(known.Id, cancellationToken).ConfigureAwait(false))
        {
            lines.Add(new RuleLine(PatternTable.InBytes(rule), position));
        }

        return PatternTable.Make(patterns, lines, warn);
    }
}
