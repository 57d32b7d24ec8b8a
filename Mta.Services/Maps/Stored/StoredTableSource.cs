using Mta.Core.Lookup;
using Mta.Storage;
using Mta.Storage.Maps;

namespace Mta.Services.Maps.Stored;

/// <summary>
/// Where the content of a stored table comes from: the database; at the first time, when it is not there, its source file. So a Postfix
/// configuration works as it is, with files that were made for postmap(1).
/// </summary>
/// <param name="isOptional">No table and no file is an empty table, not an error: the default alias_maps on a system without aliases.</param>
/// <param name="warn">Takes what an administrator should know.</param>
/// <param name="mayRead">Whether a path may be read as the source of a table.</param>
internal sealed class StoredTableSource(
    TableReference reference, LookupKind kind, bool isOptional, LookupStore store, LookupWriter writer, StoredTableLimits limits, Action<string> warn,
    Func<string, bool> mayRead)
{
    private bool warnedOfAbsence;

    public string Reference { get; } = reference.ToString();

    public string Name => reference.Name;

    /// <summary>The reason of failing lookups when there is no table.</summary>
    public string MissingText { get; } = reference.HasSourceFile
        ? $"{reference} is unavailable. open database {reference.Name}: no such table in the database; make it with \"{(kind == LookupKind.Aliases ? "postalias" : "postmap")} {reference}\""
        : $"{reference} is unavailable. open database {reference.Name}: no such table in the database; insert into mta.lookup or the view of its kind, with \"{reference.Name}\" as name";

    /// <summary>A table that has a kind's name is there as soon as that kind is: without rows it is empty.</summary>
    private bool IsEmptyWhenMissing => isOptional || (!reference.HasSourceFile && LookupKinds.Find(reference.Name) is not null);

    /// <summary>Reads the table, and imports its file when there is none.</summary>
    public async Task<StoredContent> ReadAsync(CancellationToken cancellationToken)
    {
        var version = await VersionAsync(cancellationToken).ConfigureAwait(false);
        if (version is null && await ImportAsync(cancellationToken).ConfigureAwait(false))
        {
            version = await VersionAsync(cancellationToken).ConfigureAwait(false);
        }

        return version is { } known ? await ReadEntriesAsync(known, limits.WholeEntries, cancellationToken).ConfigureAwait(false) : Nothing();
    }

    /// <summary>
    /// Reads a table that changed, known to be at least as new as <paramref name="version"/>; null when there is none. A large one is asked by
    /// key, for reading it takes longer than a change may take to be seen.
    /// </summary>
    public async Task<StoredContent> ReadSmallAsync(StoredTableVersion? version, CancellationToken cancellationToken) =>
        version is { } known ? await ReadEntriesAsync(known, limits.SmallEntries, cancellationToken).ConfigureAwait(false) : Nothing();

    private StoredContent Nothing() => IsEmptyWhenMissing ? new WholeContent(default, []) : new MissingContent(MissingText);

    private async Task<StoredContent> ReadEntriesAsync(StoredTableVersion version, int limit, CancellationToken cancellationToken)
    {
        var small = new List<KeyValuePair<string, string>>();
        CompactEntries.Builder? large = null;
        var fits = await store.ReadEntriesAsync(
            version.Id,
            limit,
            (key, value) =>
            {
                if (large is null && small.Count < limits.SmallEntries)
                {
                    small.Add(new(key, value));
                    return true;
                }

                large ??= Repack(small);
                return large.TryAdd(key, value);
            },
            cancellationToken).ConfigureAwait(false);
        return !fits ? new KeyedContent(version, limits.KeptAnswers, isTooLarge: limit == limits.WholeEntries)
            : large is null ? new WholeContent(version, small)
            : new CompactContent(version, large.Build());
    }

    private CompactEntries.Builder Repack(List<KeyValuePair<string, string>> entries)
    {
        var builder = new CompactEntries.Builder(limits.WholeBytes);
        foreach (var (key, value) in entries)
        {
            // Those of a small table that do not fit leave no room for the next either.
            _ = builder.TryAdd(key, value);
        }

        return builder;
    }

    private async Task<StoredTableVersion?> VersionAsync(CancellationToken cancellationToken)
    {
        var versions = await store.ReadVersionsAsync([Name], cancellationToken).ConfigureAwait(false);
        return versions.Count == 0 ? null : versions[0];
    }

    private async Task<bool> ImportAsync(CancellationToken cancellationToken)
    {
        if (!reference.HasSourceFile)
        {
            WarnOfAbsence(null);
            return false;
        }

        if (!mayRead(Name))
        {
            WarnOfAbsence("only SQL names it, so that its file is not read");
            return false;
        }

        string text;
        try
        {
            text = await File.ReadAllTextAsync(Name, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            WarnOfAbsence(e is FileNotFoundException or DirectoryNotFoundException ? null : e.Message);
            return false;
        }

        var entries = new TableSource(Name, kind == LookupKind.Aliases, warn).Read(text);
        bool built;
        try
        {
            built = await writer.BuildAsync(Name, kind, entries, onlyIfMissing: true, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (LookupWriter.IsRuleBroken(e))
        {
            warn($"{e.Message}; it is stored as a plain map");
            built = await writer.BuildAsync(Name, LookupKind.Map, entries, onlyIfMissing: true, cancellationToken).ConfigureAwait(false);
        }

        if (built)
        {
            var command = kind == LookupKind.Aliases ? "postalias" : "postmap";
            warn($"{Reference}: no such table in the database; imported {entries.Count} entries from {Name}. "
                + $"After changes of the file, run \"{command} {Reference}\"");
        }

        return true;
    }

    private void WarnOfAbsence(string? reason)
    {
        if (warnedOfAbsence || (IsEmptyWhenMissing && !isOptional))
        {
            return;
        }

        warnedOfAbsence = true;
        warn(reason is not null ? $"{MissingText} ({reason})"
            : isOptional ? $"{Reference} is the default of alias_maps, and there is no {Name}: there are no aliases"
            : MissingText);
    }
}
