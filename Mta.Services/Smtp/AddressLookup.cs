using System.Net;
using System.Net.Sockets;
using Mta.Core.Delivery;
using Mta.Services.Dns;

namespace Mta.Services.Smtp;

/// <summary>Finds the addresses of one host, by the DNS or the system's resolver as smtp_host_lookup says.</summary>
internal sealed class AddressLookup(IDnsResolver dns)
{
    public async Task<HostList> FindAsync(string host, int port, int preference, RoutingOptions options, CancellationToken cancellationToken)
    {
        HostList Found(IEnumerable<IPAddress> addresses, DeliveryStatus? failure)
        {
            var usable = addresses.Where(a => a.AddressFamily == AddressFamily.InterNetwork ? options.UseIPv4 : options.UseIPv6)
                .Select(a => HostAddress.Tcp(host, a, port, preference))
                .ToList();
            return usable.Count > 0 ? new(usable, null) : HostList.Without(failure ?? NameError(host, "A", DnsStatus.NoData));
        }

        if (IPAddress.TryParse(host, out var literal))
        {
            // An MX record that holds an address breaks RFC 1035; Postfix delivers to it.
            return Found([literal], null);
        }

        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            // RFC 6761 section 6.3: the DNS is not asked for it.
            return Found([IPAddress.Loopback, IPAddress.IPv6Loopback], null);
        }

        DeliveryStatus? failure = null;
        if (options.LookUpInDns)
        {
            var (addresses, reason) = await AskDnsAsync(host, options, cancellationToken).ConfigureAwait(false);
            if (addresses.Count > 0)
            {
                return Found(addresses, null);
            }

            failure = reason;
        }

        if (options.LookUpNatively)
        {
            var (addresses, reason) = await AskSystemAsync(host, cancellationToken).ConfigureAwait(false);
            return Found(addresses, reason);
        }

        return Found([], failure);
    }

    public static DeliveryStatus NameError(string name, string type, DnsStatus status) => status switch
    {
        DnsStatus.TryAgain => DeliveryStatus.Deferred("4.4.3", NameErrorText(name, type, "Host not found, try again")),
        DnsStatus.NotFound => DeliveryStatus.Bounced("5.4.4", NameErrorText(name, type, "Host not found")),
        DnsStatus.Invalid => DeliveryStatus.Bounced("5.4.4", $"Name service error for {name}: invalid host or domain name"),
        _ => DeliveryStatus.Bounced("5.4.4", NameErrorText(name, type, "Host found but no data record of requested type")),
    };

    /// <summary>Both families at once. Where one answer is still to be had, the name may yet turn up: the failure is temporary.</summary>
    private async Task<(List<IPAddress> Addresses, DeliveryStatus? Failure)> AskDnsAsync(
        string host, RoutingOptions options, CancellationToken cancellationToken)
    {
        var v4 = options.UseIPv4 ? dns.FindAddressesAsync(host, ipv6: false, cancellationToken).AsTask() : null;
        var v6 = options.UseIPv6 ? dns.FindAddressesAsync(host, ipv6: true, cancellationToken).AsTask() : null;
        var addresses = new List<IPAddress>();
        DeliveryStatus? failure = null;
        foreach (var (answer, type) in new[] { (v4, "A"), (v6, "AAAA") })
        {
            if (answer is null)
            {
                continue;
            }

            var known = await answer.ConfigureAwait(false);
            addresses.AddRange(known.Records);
            if (known.Status != DnsStatus.Found && failure is not { Action: DeliveryAction.Deferred })
            {
                failure = NameError(host, type, known.Status);
            }
        }

        return (addresses, failure);
    }

    private static async Task<(IPAddress[] Addresses, DeliveryStatus? Failure)> AskSystemAsync(string host, CancellationToken cancellationToken)
    {
        try
        {
            return (await System.Net.Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false),
                DeliveryStatus.Bounced("5.4.4", $"unable to look up host {host}: No address associated with hostname"));
        }
        catch (SocketException e)
        {
            return ([], e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData
                ? DeliveryStatus.Bounced("5.4.4", $"unable to look up host {host}: Name or service not known")
                : DeliveryStatus.Deferred("4.4.3", $"unable to look up host {host}: Temporary failure in name resolution"));
        }
    }

    private static string NameErrorText(string name, string type, string reason) =>
        $"Host or domain name not found. Name service error for name={name} type={type}: {reason}";
}
