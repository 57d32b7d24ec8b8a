using System.Collections.Concurrent;
using System.Net;
using Mta.Services.Clients;
using Mta.Services.Dns;
using Mta.Services.Smtpd.Restrictions;

namespace Mta.Services.Smtpd;

/// <summary>
/// The names of clients: what the address resolves to, if that resolves back to the address. Kept for a short time an address.
/// </summary>
internal sealed class ClientNames(HostsFile hosts, IDnsResolver dns, MailLog log, TimeProvider time)
{
    private const int MostEntries = 10_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<IPAddress, Entry> entries = new();

    /// <summary>Completes at once when the address was asked for lately.</summary>
    public ValueTask<ClientName> FindAsync(IPAddress address, string tag, CancellationToken cancellationToken) =>
        entries.TryGetValue(address, out var known) && time.GetElapsedTime(known.Since) < Lifetime
            ? new(known.Name)
            : LookupAsync(address, tag, cancellationToken);

    private async ValueTask<ClientName> LookupAsync(IPAddress address, string tag, CancellationToken cancellationToken)
    {
        var (reverse, status) = await ReverseAsync(address, cancellationToken).ConfigureAwait(false);
        if (reverse is not null)
        {
            status = await ConfirmAsync(reverse, address, tag, cancellationToken).ConfigureAwait(false);
        }

        var name = new ClientName(status == DnsStatus.Found ? reverse : null, reverse, status == DnsStatus.TryAgain);
        if (name.IsUncertain)
        {
            // The next connection may have more luck.
            return name;
        }

        if (entries.Count >= MostEntries)
        {
            entries.Clear();
        }

        entries[address] = new Entry(name, time.GetTimestamp());
        return name;
    }

    private async ValueTask<(string? Name, DnsStatus Status)> ReverseAsync(IPAddress address, CancellationToken cancellationToken)
    {
        var name = hosts.NameOf(address);
        var status = DnsStatus.Found;
        if (name is null)
        {
            var answer = await dns.FindNamesAsync(address, cancellationToken).ConfigureAwait(false);
            status = answer.Status;
            name = status == DnsStatus.Found ? answer.Records[0] : null;
        }

        // Whoever owns the address writes its PTR record: what is not a host name must get neither into the log nor into a header.
        return name is null ? (null, status)
            : HostNames.IsValid(name) && !IPAddress.TryParse(name, out _) ? (name, DnsStatus.Found)
            : (null, DnsStatus.NotFound);
    }

    /// <summary>Found when the name has the address; else what the DNS said, with a warning.</summary>
    private async ValueTask<DnsStatus> ConfirmAsync(string name, IPAddress address, string tag, CancellationToken cancellationToken)
    {
        if (hosts.Has(name, address))
        {
            return DnsStatus.Found;
        }

        var ipv6 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        var answer = await dns.FindAddressesAsync(name, ipv6, cancellationToken).ConfigureAwait(false);
        switch (answer.Status)
        {
            case DnsStatus.Found when answer.Records.Contains(address):
                return DnsStatus.Found;
            case DnsStatus.Found:
                log.Warning(tag, $"hostname {name} does not resolve to address {address}");
                return DnsStatus.NotFound;
            case DnsStatus.TryAgain:
                log.Warning(tag, $"hostname {name} does not resolve to address {address}: Temporary failure in name resolution");
                return DnsStatus.TryAgain;
            default:
                log.Warning(tag, $"hostname {name} does not resolve to address {address}: Name or service not known");
                return DnsStatus.NotFound;
        }
    }

    private readonly record struct Entry(ClientName Name, long Since);
}
