using System.Net;
using Mta.Core.Delivery;
using Mta.Services.Dns;

namespace Mta.Services.Smtp;

/// <summary>What a destination was found to be: addresses in the order in which they are tried, or why there are none.</summary>
internal readonly record struct HostList(IReadOnlyList<HostAddress> Addresses, DeliveryStatus? Failure)
{
    public static HostList Without(DeliveryStatus failure) => new([], failure);
}

/// <summary>Finds the hosts of a destination (RFC 5321 section 5.1): mail exchangers by preference, else the name's own addresses.</summary>
internal sealed class HostLookup(IDnsResolver dns, OwnEndpoints own)
{
    /// <summary>Exchangers whose addresses are asked for at once; a domain may have named hundreds.</summary>
    private const int AtOnce = 10;

    private readonly AddressLookup addresses = new(dns);

    /// <summary>Loops are checked before the addresses are cut down to smtp_mx_address_limit.</summary>
    public async ValueTask<HostList> FindAsync(Destination destination, ClientOptions options, CancellationToken cancellationToken)
    {
        if (destination.Kind == DestinationKind.UnixSocket)
        {
            return new([HostAddress.Unix(options.MyHostname, destination.Host)], null);
        }

        if (destination.Address is { } literal)
        {
            return own.Contains(literal, destination.Port)
                ? HostList.Without(Loop(destination))
                : new([HostAddress.Tcp(literal.ToString(), literal, destination.Port)], null);
        }

        var list = destination.Kind == DestinationKind.Domain && options.Routing.UseMx
            ? await FindExchangersAsync(destination, options.Routing, cancellationToken).ConfigureAwait(false)
            : await FindHostAsync(destination, options.Routing, cancellationToken).ConfigureAwait(false);
        return list.Failure is null ? list with { Addresses = AddressOrder.Arrange(list.Addresses, options.Routing) } : list;
    }

    private async ValueTask<HostList> FindExchangersAsync(Destination destination, RoutingOptions options, CancellationToken cancellationToken)
    {
        var answer = await dns.FindMailExchangersAsync(destination.Host, cancellationToken).ConfigureAwait(false);
        if (answer.Status != DnsStatus.Found)
        {
            return answer.Status is DnsStatus.NoData or DnsStatus.NotFound || options.IgnoreMxLookupError
                ? await FindHostAsync(destination, options, cancellationToken).ConfigureAwait(false)
                : HostList.Without(AddressLookup.NameError(destination.Host, "MX", answer.Status));
        }

        if (answer.Records is [{ Exchange: "" }])
        {
            // RFC 7505.
            return HostList.Without(DeliveryStatus.Bounced("5.1.0", $"Domain {destination.Host} does not accept mail (nullMX)"));
        }

        var sorted = answer.Records.OrderBy(record => record.Preference).ToList();
        var found = new List<HostAddress>();
        DeliveryStatus? failure = null;
        foreach (var some in sorted.Chunk(AtOnce))
        {
            var lists = await Task.WhenAll(some.Select(exchanger =>
                addresses.FindAsync(exchanger.Exchange, destination.Port, exchanger.Preference, options, cancellationToken))).ConfigureAwait(false);
            foreach (var list in lists)
            {
                found.AddRange(list.Addresses);
                failure = failure is { Action: DeliveryAction.Deferred } ? failure : list.Failure ?? failure;
            }
        }

        return found.Count > 0 ? WithoutSelf(found, sorted[0].Preference, destination)
            : failure is { Action: DeliveryAction.Bounced } && options.DeferIfNoMxAddressFound
                ? HostList.Without(DeliveryStatus.Deferred("4" + failure.Dsn[1..], failure.Text))
            : HostList.Without(failure!);
    }

    /// <summary>RFC 5321 section 5.1: where we are an exchanger ourselves, only better ones are tried.</summary>
    private HostList WithoutSelf(List<HostAddress> found, int bestPreference, Destination destination)
    {
        var bestFound = found[0].Preference;
        if (found.Find(IsOwn) is { } self)
        {
            found.RemoveAll(host => host.Preference >= self.Preference);
        }

        return found.Count > 0 ? new(found, null)
            : HostList.Without(bestFound == bestPreference
                ? Loop(destination)
                : DeliveryStatus.Deferred("4.4.4", $"unable to find primary relay for {destination.Host}"));
    }

    private async ValueTask<HostList> FindHostAsync(Destination destination, RoutingOptions options, CancellationToken cancellationToken)
    {
        var list = await addresses.FindAsync(destination.Host, destination.Port, 0, options, cancellationToken).ConfigureAwait(false);
        return list.Addresses.Any(IsOwn) ? HostList.Without(Loop(destination)) : list;
    }

    private bool IsOwn(HostAddress host) => own.Contains(((IPEndPoint)host.EndPoint).Address, host.Port);

    private static DeliveryStatus Loop(Destination destination) =>
        DeliveryStatus.Bounced("5.4.6", $"mail for {destination.Host} loops back to myself");
}
