using Mta.Core.Lookup;
using Mta.Core.Lookup.Queries;
using Mta.Storage;

namespace Mta.Services.Maps.Tables;

/// <summary>
/// A table that is asked by a query of the administrator's own. Each lookup asks: what is changed there counts at once. A server that does
/// not answer, and a result over expansion_limit, fail the lookup.
/// </summary>
/// <param name="domains">The domains whose addresses are asked for; null for all keys.</param>
internal abstract class QueryTable(TableReference reference, ResultRules results, ListMatcher? domains, Action<string> warn) : ILookupTable, IAsyncDisposable
{
    public string Reference { get; } = reference.ToString();

    public bool MatchesWholeKey => false;

    protected Action<string> Warn { get; } = warn;

    public async ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        key = key.ToLowerInvariant();
        if (key.Length == 0 || key.Contains('\0'))
        {
            return LookupResult.NotFound;
        }

        if (domains is not null)
        {
            var at = key.LastIndexOf('@');
            var eligible = at > 0 ? await domains.MatchAsync(key[(at + 1)..], cancellationToken).ConfigureAwait(false) : LookupResult.NotFound;
            if (!eligible.IsFound)
            {
                return eligible;
            }
        }

        try
        {
            var result = await AskAsync(key, cancellationToken).ConfigureAwait(false) is { } values ? results.Join(values, key) : LookupResult.NotFound;
            return result.IsFailed ? Failure(result.Text) : result;
        }
        catch (StorageException e)
        {
            return Failure(e.Message);
        }
    }

    public abstract ValueTask DisposeAsync();

    /// <summary>The values for a key; null when the key lacks a part that the query names. Throws <see cref="StorageException"/>.</summary>
    protected abstract Task<IReadOnlyList<string>?> AskAsync(string key, CancellationToken cancellationToken);

    private LookupResult Failure(string reason)
    {
        Warn($"{Reference}: {reason}");
        return LookupResult.Failed($"{Reference}: {reason}") with { IsReported = true };
    }
}
