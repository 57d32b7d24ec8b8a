using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary><c>static:text</c> or <c>static:{ text with spaces }</c>: the same value for every key.</summary>
internal sealed class StaticTable : ILookupTable
{
    private readonly LookupResult value;

    private StaticTable(string reference, string value)
    {
        Reference = reference;
        this.value = LookupResult.Found(value);
    }

    public static ILookupTable Open(TableReference reference)
    {
        var name = reference.Name;
        if (name is not ['{', ..])
        {
            return new StaticTable(reference.ToString(), name);
        }

        var end = name.LastIndexOf('}');
        return end < 0 ? new FailingTable(reference.ToString(), $"bad static:name syntax: missing '}}' in \"{name}\"")
            : name[(end + 1)..].Trim().Length > 0 ? new FailingTable(reference.ToString(), $"bad static:name syntax: syntax error after '}}' in \"{name}\"")
            : new StaticTable(reference.ToString(), name[1..end].Trim());
    }

    public string Reference { get; }

    public bool MatchesWholeKey => false;

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) => new(value);
}
