using System.Buffers;
using Mta.Core.Lookup;
using Mta.Storage;
using Mta.Storage.Maps;

namespace Mta.Services.Maps.Stored;

/// <summary>
/// A table of the database, <c>hash:/etc/postfix/virtual</c> for one. Small tables are kept whole and answer from memory; so are large ones
/// while they do not change, and by key when they do, or are very large (<see cref="StoredTableLimits"/>).
/// Read at the first lookup, or before when the node starts; the <see cref="TableWatcher"/> says when it changed. While the database is
/// away, what is in memory goes on answering for a while; what is not fails and is never "not found".
/// </summary>
internal sealed class StoredTable : ILookupTable, IWatchedTable
{
    /// <summary>How long a table in memory answers without word from the database that it is unchanged.</summary>
    public static readonly TimeSpan TrustedFor = TimeSpan.FromMinutes(5);

    private static readonly SearchValues<char> Unstorable = SearchValues.Create(
        ['\0', .. Enumerable.Range(0xD800, 0x800).Select(c => (char)c)]);

    private readonly StoredTableSource source;
    private readonly LookupStore store;
    private readonly StoredTableLimits limits;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private volatile StoredContent? content;
    private long confirmedAt;
    private long changedAt;
    private Task<StoredContent>? reading;

    public StoredTable(StoredTableSource source, LookupStore store, StoredTableLimits limits, TimeProvider time)
    {
        this.limits = limits;
        this.source = source;
        this.store = store;
        this.time = time;
    }

    public string Reference => source.Reference;

    public bool MatchesWholeKey => false;

    /// <summary>The name in the database.</summary>
    public string Name => source.Name;

    private bool IsTrusted => time.GetElapsedTime(Volatile.Read(ref confirmedAt)) < TrustedFor;

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        key = key.ToLowerInvariant();
        return content is { } known && IsTrusted && known.TryFind(key, out var result) ? new(result) : FetchAsync(key, cancellationToken);
    }

    /// <summary>True when asking for the key now would take a round trip of its own.</summary>
    public bool Lacks(string key) => content is KeyedContent known && IsTrusted && !known.TryFind(key.ToLowerInvariant(), out _);

    /// <summary>
    /// Fetches by one statement what some tables of a registry do not know of the keys; the lookups that follow find it in memory. Failures
    /// are left to them: they fail in the same way, and say why.
    /// </summary>
    public static async ValueTask PrefetchAsync(IReadOnlyList<StoredTable> tables, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var asked = new List<(string Name, KeyedContent Content)>(tables.Count);
        var missing = new HashSet<string>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            if (table.content is KeyedContent known && table.IsTrusted && AddMissing(known, keys, missing))
            {
                asked.Add((table.Name, known));
            }
        }

        if (asked.Count == 0)
        {
            return;
        }

        try
        {
            var found = await tables[0].store.FindManyAsync([.. asked.Select(a => a.Name).Distinct()], [.. missing], cancellationToken).ConfigureAwait(false);
            foreach (var (name, known) in asked)
            {
                foreach (var key in found.TryGetValue(name, out var entries) ? missing : [])
                {
                    known.Keep(key, entries!.TryGetValue(key, out var value) ? LookupResult.Found(value) : LookupResult.NotFound);
                }
            }
        }
        catch (StorageException)
        {
        }
    }

    private static bool AddMissing(KeyedContent known, IReadOnlyList<string> keys, HashSet<string> missing)
    {
        var lacks = false;
        foreach (var key in keys)
        {
            var folded = key.ToLowerInvariant();
            if (!folded.AsSpan().ContainsAny(Unstorable) && !known.TryFind(folded, out _))
            {
                lacks = true;
                missing.Add(folded);
            }
        }

        return lacks;
    }

    /// <summary>Reads the table unless it is in memory. Throws <see cref="StorageException"/>.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        if (content is null || !IsTrusted)
        {
            await ReadOnceAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes what the database has now: null when there is no such table. Reads a small table again if it changed.</summary>
    public async ValueTask RefreshAsync(StoredTableVersion? found, CancellationToken cancellationToken)
    {
        if (content is not { } known)
        {
            return;
        }

        var asked = time.GetTimestamp();
        if (known.Version == found.GetValueOrDefault())
        {
            Volatile.Write(ref confirmedAt, asked);
        }
        else if (known is KeyedContent or CompactContent && found is { } version && version.Id == known.Version.Id)
        {
            changedAt = asked;
            Take(new KeyedContent(version, limits.KeptAnswers, known is KeyedContent { IsTooLarge: true }), asked);
        }
        else
        {
            changedAt = asked;
            Take(await source.ReadSmallAsync(found, cancellationToken).ConfigureAwait(false), asked);
        }

        if (content is KeyedContent { IsTooLarge: false } && time.GetElapsedTime(changedAt) >= limits.Quiet)
        {
            // Beside the others: they are not to wait for a large table. Who asks meanwhile asks by key.
            Growing = ReadOnceAsync(CancellationToken.None).ContinueWith(
                static read => _ = read.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>A large table that is being read whole again; for tests.</summary>
    internal Task Growing { get; private set; } = Task.CompletedTask;

    private async ValueTask<LookupResult> FetchAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            var known = content is { } present && IsTrusted ? present : await ReadOnceAsync(cancellationToken).ConfigureAwait(false);
            if (known.TryFind(key, out var result))
            {
                return result;
            }

            // PostgreSQL has no text like this, so no table has such a key.
            if (key.AsSpan().ContainsAny(Unstorable) && !IsWellFormed(key))
            {
                return LookupResult.NotFound;
            }

            var answer = await store.FindAsync(Name, key, cancellationToken).ConfigureAwait(false);
            if (!answer.TableExists)
            {
                return LookupResult.Failed(source.MissingText);
            }

            result = answer.Value is { } value ? LookupResult.Found(value) : LookupResult.NotFound;
            (known as KeyedContent)?.Keep(key, result);
            return result;
        }
        catch (StorageException e)
        {
            return LookupResult.Failed($"{Reference}: {e.Message}");
        }
    }

    private static bool IsWellFormed(string key)
    {
        foreach (var rune in key.EnumerateRunes())
        {
            if (rune.Value is 0 or 0xFFFD)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>One read for all who wait; it goes on when one of them gives up.</summary>
    private Task<StoredContent> ReadOnceAsync(CancellationToken cancellationToken)
    {
        Task<StoredContent> shared;
        lock (gate)
        {
            shared = reading is { IsCompleted: false } ? reading : reading = ReadNowAsync();
        }

        return shared.WaitAsync(cancellationToken);
    }

    private async Task<StoredContent> ReadNowAsync()
    {
        var asked = time.GetTimestamp();
        return Take(await source.ReadAsync(CancellationToken.None).ConfigureAwait(false), asked);
    }

    /// <summary>A read that began before a change was seen must not undo what came after it.</summary>
    private StoredContent Take(StoredContent read, long asked)
    {
        lock (gate)
        {
            if (content is not { } known || known.Version.Id != read.Version.Id || known.Version.Version <= read.Version.Version)
            {
                content = read;
            }

            Volatile.Write(ref confirmedAt, asked);
            return content;
        }
    }
}
