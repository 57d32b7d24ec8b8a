using System.Net;
using Mta.Core.Lookup;

namespace Mta.Services.Maps;

/// <summary>Which domains are local: mydestination, and address literals of inet_interfaces and proxy_interfaces.</summary>
/// <param name="ownAddresses">The addresses of inet_interfaces and proxy_interfaces.</param>
public sealed class LocalDomains(ListMatcher mydestination, string myorigin, IReadOnlyCollection<IPAddress> ownAddresses)
{
    /// <summary>Found when the domain is local. Completes at once when mydestination has no tables that must be fetched.</summary>
    /// <param name="orMyorigin">$myorigin counts as local too, as it does for lookup keys without a domain.</param>
    public ValueTask<LookupResult> MatchAsync(string domain, bool orMyorigin, CancellationToken cancellationToken)
    {
        if (orMyorigin && domain.Equals(myorigin, StringComparison.OrdinalIgnoreCase))
        {
            return new(LookupResult.Found(domain));
        }

        // A dot at the end only says that the name is complete.
        if (domain is [.. var withoutDot, '.'] && withoutDot.Length > 0)
        {
            domain = withoutDot;
        }

        if (domain is ['[', .. var literal, ']'] && IsOwnAddress(literal))
        {
            return new(LookupResult.Found(domain));
        }

        return mydestination.MatchAsync(domain, cancellationToken);
    }

    private bool IsOwnAddress(ReadOnlySpan<char> literal)
    {
        const string tag = "IPv6:";
        if (literal.StartsWith(tag, StringComparison.OrdinalIgnoreCase))
        {
            literal = literal[tag.Length..];
        }

        return IPAddress.TryParse(literal, out var address) && ownAddresses.Contains(address);
    }
}
