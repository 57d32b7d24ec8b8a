using Mta.Core.Lookup;

namespace Mta.Services.Maps;

/// <summary>The tables of one parameter, for example alias_maps. Each key is tried in all tables before the next key.</summary>
public sealed class TableList(IReadOnlyList<ILookupTable> tables)
{
    public bool IsEmpty => tables.Count == 0;

    /// <summary>The first answer of any table for this one key.</summary>
    public async ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        foreach (var table in tables)
        {
            var result = await table.FindAsync(key, cancellationToken).ConfigureAwait(false);
            if (result.Outcome != LookupOutcome.NotFound)
            {
                return result;
            }
        }

        return LookupResult.NotFound;
    }
}
