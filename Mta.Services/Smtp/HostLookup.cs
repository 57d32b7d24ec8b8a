using System.Net;
using System.Net.Sockets;
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
        switch (answer.Status)
        {
            case DnsStatus.Found:
                break;
            case DnsStatus.NoData or DnsStatus.NotFound:
                return await FindHostAsync(destination, options, cancellationToken).ConfigureAwait(false);
            default:
                return options.IgnoreMxLookupError
                    ? await FindHostAsync(destination, options, cancellationToken).ConfigureAwait(false)
                    : HostList.Without(NameError(destination.Host, "MX", answer.Status));
        }

        if (answer.Records is [{ Exchange: "" }])
        {
            return HostList.Without(DeliveryStatus.Bounced("5.1.0", $"Domain {destination.Host} does not accept mail (nullMX)"));
        }

        var sorted = answer.Records.OrderBy(record => record.Preference).ToList();
        var found = new List<HostAddress>();
        DeliveryStatus? failure = null;
        foreach (var exchanger in sorted)
        {
            var before = found.Count;
            failure = await AddAddressesAsync(found, exchanger.Exchange, destination.Port, exchanger.Preference, options, cancellationToken)
                .ConfigureAwait(false) ?? failure;
            if (before == found.Count && failure is null)
            {
                failure = NameError(exchanger.Exchange, "A", DnsStatus.NoData);
            }
        }

        if (found.Count == 0)
        {
            return HostList.Without(failure is { Action: DeliveryAction.Bounced } && options.DeferIfNoMxAddressFound
                ? DeliveryStatus.Deferred("4" + failure.Dsn[1..], failure.Text)
                : failure!);
        }

        return WithoutSelf(found, sorted[0].Preference, destination);
    }

    /// <summary>RFC 5321 section 5.1: where we are an exchanger ourselves, only better ones are tried.</summary>
    private HostList WithoutSelf(List<HostAddress> found, int bestPreference, Destination destination)
    {
        var self = found.Find(host => own.Contains(((IPEndPoint)host.EndPoint).Address, host.Port));
        if (self is null)
        {
            return new(found, null);
        }

        var bestFound = found[0].Preference;
        found.RemoveAll(host => host.Preference >= self.Preference);
        if (found.Count > 0)
        {
            return new(found, null);
        }

        return HostList.Without(bestFound == bestPreference
            ? Loop(destination)
            : DeliveryStatus.Deferred("4.4.4", $"unable to find primary relay for {destination.Host}"));
    }

    private async ValueTask<HostList> FindHostAsync(Destination destination, RoutingOptions options, CancellationToken cancellationToken)
    {
        var found = new List<HostAddress>();
        var failure = await AddAddressesAsync(found, destination.Host, destination.Port, 0, options, cancellationToken).ConfigureAwait(false);
        if (found.Count == 0)
        {
            return HostList.Without(failure!);
        }

        return found.Exists(host => own.Contains(((IPEndPoint)host.EndPoint).Address, host.Port))
            ? HostList.Without(Loop(destination))
            : new(found, null);
    }

    /// <summary>Adds what is found; returns why nothing was.</summary>
    private async ValueTask<DeliveryStatus?> AddAddressesAsync(
        List<HostAddress> found, string host, int port, int preference, RoutingOptions options, CancellationToken cancellationToken)
    {
        var before = found.Count;
        DeliveryStatus? failure = null;
        if (IPAddress.TryParse(host, out var address))
        {
            // An MX record that holds an address breaks RFC 1035; Postfix delivers to it.
            found.Add(HostAddress.Tcp(host, address, port, preference, best: true));
            return null;
        }

        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            // RFC 6761 section 6.3: the DNS is not asked for it.
            AddLoopback(found, host, port, preference, options);
            return null;
        }

        if (options.LookUpInDns)
        {
            var v4 = options.UseIPv4 ? dns.FindAddressesAsync(host, ipv6: false, cancellationToken).AsTask() : null;
            var v6 = options.UseIPv6 ? dns.FindAddressesAsync(host, ipv6: true, cancellationToken).AsTask() : null;
            failure = Add(found, v4 is null ? null : await v4.ConfigureAwait(false), "A", host, port, preference);
            var second = Add(found, v6 is null ? null : await v6.ConfigureAwait(false), "AAAA", host, port, preference);
            failure = second is null || failure is { Action: DeliveryAction.Deferred } ? failure : second;
        }

        if (found.Count == before && options.LookUpNatively)
        {
            failure = await AddNativelyAsync(found, host, port, preference, options, cancellationToken).ConfigureAwait(false);
        }

        return found.Count > before ? null : failure;
    }

    private static void AddLoopback(List<HostAddress> found, string host, int port, int preference, RoutingOptions options)
    {
        if (options.UseIPv4)
        {
            found.Add(HostAddress.Tcp(host, IPAddress.Loopback, port, preference));
        }

        if (options.UseIPv6)
        {
            found.Add(HostAddress.Tcp(host, IPAddress.IPv6Loopback, port, preference));
        }
    }

    private static DeliveryStatus? Add(List<HostAddress> found, DnsAnswer<IPAddress>? answer, string type, string host, int port, int preference)
    {
        if (answer is not { } known)
        {
            return null;
        }

        foreach (var address in known.Records)
        {
            found.Add(HostAddress.Tcp(host, address, port, preference, best: true));
        }

        return known.Status == DnsStatus.Found ? null : NameError(host, type, known.Status);
    }

    private static async ValueTask<DeliveryStatus?> AddNativelyAsync(
        List<HostAddress> found, string host, int port, int preference, RoutingOptions options, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var address in await System.Net.Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false))
            {
                if (address.AddressFamily == AddressFamily.InterNetwork ? options.UseIPv4 : options.UseIPv6)
                {
                    found.Add(HostAddress.Tcp(host, address, port, preference));
                }
            }

            return DeliveryStatus.Bounced("5.4.4", $"unable to look up host {host}: No address associated with hostname");
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData
                ? DeliveryStatus.Bounced("5.4.4", $"unable to look up host {host}: Name or service not known")
                : DeliveryStatus.Deferred("4.4.3", $"unable to look up host {host}: Temporary failure in name resolution");
        }
    }

    private static DeliveryStatus Loop(Destination destination) =>
        DeliveryStatus.Bounced("5.4.6", $"mail for {destination.Host} loops back to myself");

    private static DeliveryStatus NameError(string name, string type, DnsStatus status) => status switch
    {
        DnsStatus.TryAgain => DeliveryStatus.Deferred("4.4.3", NameErrorText(name, type, "Host not found, try again")),
        DnsStatus.NotFound => DeliveryStatus.Bounced("5.4.4", NameErrorText(name, type, "Host not found")),
        DnsStatus.Invalid => DeliveryStatus.Bounced("5.4.4", $"Name service error for {name}: invalid host or domain name"),
        _ => DeliveryStatus.Bounced("5.4.4", NameErrorText(name, type, "Host found but no data record of requested type")),
    };

    private static string NameErrorText(string name, string type, string reason) =>
        $"Host or domain name not found. Name service error for name={name} type={type}: {reason}";
}
