using System.Collections.Concurrent;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.TrivialRewrite;

/// <summary>Which address class a domain belongs to; warns once of a domain that is listed in two of them.</summary>
internal sealed class DomainClasses(
    MailLog log, ListMatcher virtualAliasDomains, ListMatcher virtualMailboxDomains, ListMatcher relayDomains)
{
    /// <summary>Domains that were looked at for the warning; above it no more are remembered nor looked at.</summary>
    private const int MostChecked = 1000;

    private readonly ConcurrentDictionary<string, bool> seen = new(StringComparer.OrdinalIgnoreCase);
    private int seenCount;

    /// <summary>The class of a domain that is not local. Or the failure of a list, and its parameter's name.</summary>
    public async ValueTask<(AddressClass Class, LookupResult Failure, string List)> FindAsync(string domain, CancellationToken cancellationToken)
    {
        var found = await virtualAliasDomains.MatchAsync(domain, cancellationToken).ConfigureAwait(false);
        if (found.Outcome != LookupOutcome.NotFound)
        {
            return (AddressClass.VirtualAlias, found, Parameters.VirtualAliasDomains.Name);
        }

        found = await virtualMailboxDomains.MatchAsync(domain, cancellationToken).ConfigureAwait(false);
        if (found.Outcome != LookupOutcome.NotFound)
        {
            return (AddressClass.VirtualMailbox, found, Parameters.VirtualMailboxDomains.Name);
        }

        found = await relayDomains.MatchAsync(domain, cancellationToken).ConfigureAwait(false);
        return (found.IsFound ? AddressClass.Relay : AddressClass.Default, found, Parameters.RelayDomains.Name);
    }

    /// <summary>Warns when a domain of <paramref name="addressClass"/> is in a later list too; does nothing for a domain seen before.</summary>
    public ValueTask WarnOfSecondListAsync(string domain, AddressClass addressClass, CancellationToken cancellationToken) =>
        addressClass is AddressClass.Local or AddressClass.VirtualAlias or AddressClass.VirtualMailbox && IsNew(domain)
            ? LookIntoOtherListsAsync(domain, addressClass, cancellationToken)
            : default;

    private bool IsNew(string domain) =>
        Volatile.Read(ref seenCount) < MostChecked && seen.TryAdd(domain, true) && Interlocked.Increment(ref seenCount) <= MostChecked;

    private async ValueTask LookIntoOtherListsAsync(string domain, AddressClass addressClass, CancellationToken cancellationToken)
    {
        var own = addressClass switch
        {
            AddressClass.Local => Parameters.Mydestination.Name,
            AddressClass.VirtualAlias => Parameters.VirtualAliasDomains.Name,
            _ => Parameters.VirtualMailboxDomains.Name,
        };
        if (addressClass == AddressClass.Local)
        {
            await WarnIfListedAsync(virtualAliasDomains, Parameters.VirtualAliasDomains).ConfigureAwait(false);
        }

        if (addressClass != AddressClass.VirtualMailbox)
        {
            await WarnIfListedAsync(virtualMailboxDomains, Parameters.VirtualMailboxDomains).ConfigureAwait(false);
        }

        // A relay domain list takes $mydestination by default at old compatibility levels, so that this one says nothing of local domains.
        if (addressClass != AddressClass.Local)
        {
            await WarnIfListedAsync(relayDomains, Parameters.RelayDomains).ConfigureAwait(false);
        }

        async ValueTask WarnIfListedAsync(ListMatcher list, Parameter<string> parameter)
        {
            var found = await list.MatchAsync(domain, cancellationToken).ConfigureAwait(false);
            if (found.IsFound)
            {
                log.Warning(AddressResolver.Tag, $"do not list domain {domain} in BOTH {own} and {parameter.Name}");
            }
        }
    }
}
