using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary><c>static:text</c> or <c>static:{ text with spaces }</c>: the same value for every key.</summary>
internal sealed class StaticTable : ILookupTable
{
    private readonly LookupResult value;

    public StaticTable(TableReference reference)
    {
        Reference = reference.ToString();
        value = LookupResult.Found(reference.Name is ['{', .. var inner, '}'] ? inner.Trim() : reference.Name);
    }

    public string Reference { get; }

    public bool MatchesWholeKey => false;

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) => new(value);
}
