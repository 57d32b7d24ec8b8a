using Mta.Core.Lookup;

namespace Mta.Services.Maps;

/// <summary>An opened lookup table (<c>type:name</c>).</summary>
public interface ILookupTable
{
    /// <summary>The reference as configured, for messages.</summary>
    string Reference { get; }

    /// <summary>True for tables of patterns (regexp, pcre, cidr, tcp, socketmap): asked once, with the whole key.</summary>
    bool MatchesWholeKey { get; }

    /// <summary>The answer; completes at once when it is in memory. Never throws: a table that cannot answer gives <see cref="LookupOutcome.Failed"/>.</summary>
    ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken);
}
