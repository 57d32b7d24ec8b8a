using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary><c>environ:</c>, the environment of the process. Names are not folded.</summary>
internal sealed class EnvironmentTable(TableReference reference) : ILookupTable
{
    public string Reference { get; } = reference.ToString();

    public bool MatchesWholeKey => false;

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) =>
        key.Length > 0 && Environment.GetEnvironmentVariable(key) is { } value ? new(LookupResult.Found(value)) : default;
}
