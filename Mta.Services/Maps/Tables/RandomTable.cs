using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary><c>randmap:{value, value}</c>: one of the values for every key, each as likely as the others.</summary>
internal sealed class RandomTable : ILookupTable
{
    private readonly LookupResult[] values;

    private RandomTable(string reference, LookupResult[] values)
    {
        Reference = reference;
        this.values = values;
    }

    public string Reference { get; }

    public bool MatchesWholeKey => true;

    public static ILookupTable Open(TableReference reference)
    {
        var values = new List<LookupResult>();
        if (reference.Name is ['{', .. var inner, '}'])
        {
            foreach (var value in new ListTokens(inner))
            {
                values.Add(LookupResult.Found(value.ToString()));
            }
        }

        return values.Count == 0
            ? new FailingTable(reference.ToString(), $"bad syntax: \"{reference}\"; need \"randmap:{{value...}}\"")
            : new RandomTable(reference.ToString(), [.. values]);
    }

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) => new(values[Random.Shared.Next(values.Length)]);
}
