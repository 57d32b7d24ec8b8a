using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>
/// <c>pipemap:{type:a, type:b}</c>, where each table is asked for the answer of the one before, and <c>unionmap:{type:a, type:b}</c>, where
/// all are asked for the key and their answers are joined with commas. Fails when any of the tables that are asked fails.
/// </summary>
internal sealed class CombinedTable : IOuterTable
{
    private readonly ILookupTable[] tables;
    private readonly bool isPipe;

    private CombinedTable(TableReference reference, ILookupTable[] tables)
    {
        Reference = reference.ToString();
        this.tables = tables;
        isPipe = reference.Type == "pipemap";
        MatchesWholeKey = tables.Any(t => t.MatchesWholeKey);
    }

    public string Reference { get; }

    public bool MatchesWholeKey { get; }

    public IReadOnlyList<ILookupTable> Inner => isPipe ? tables[..1] : tables;

    public static ILookupTable Open(TableReference reference, Func<TableReference, ILookupTable> open)
    {
        var references = reference.Name is ['{', .. var inner, '}'] ? TableReference.ParseList(inner) : [];
        return references.Count == 0 || references.Any(r => r.Type.Length == 0)
            ? new FailingTable(reference.ToString(), $"bad syntax: \"{reference}\"; need \"{reference.Type}:{{type:name...}}\"")
            : new CombinedTable(reference, [.. references.Select(open)]);
    }

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) =>
        isPipe ? PipeAsync(key, cancellationToken) : UniteAsync(key, cancellationToken);

    private async ValueTask<LookupResult> PipeAsync(string key, CancellationToken cancellationToken)
    {
        var result = LookupResult.Found(key);
        foreach (var table in tables)
        {
            result = await table.FindAsync(result.Value, cancellationToken).ConfigureAwait(false);
            if (!result.IsFound)
            {
                break;
            }
        }

        return result;
    }

    private async ValueTask<LookupResult> UniteAsync(string key, CancellationToken cancellationToken)
    {
        var union = LookupResult.NotFound;
        foreach (var table in tables)
        {
            var result = await table.FindAsync(key, cancellationToken).ConfigureAwait(false);
            if (result.IsFailed)
            {
                return result;
            }

            if (result.IsFound)
            {
                union = union.IsFound ? LookupResult.Found($"{union.Value},{result.Value}") : result;
            }
        }

        return union;
    }
}
