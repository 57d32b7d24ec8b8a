using System.Net;
using Mta.Services.Dns;

namespace Mta.Services.Tests.Smtpd;

/// <summary>A DNS of a few names.</summary>
internal sealed class FakeDns : IDnsResolver
{
    public Dictionary<IPAddress, string> Names { get; } = [];

    public Dictionary<string, IPAddress[]> Addresses { get; } = [];

    /// <summary>Questions asked so far.</summary>
    public int Asked { get; private set; }

    public ValueTask<DnsAnswer<MailExchanger>> FindMailExchangersAsync(string domain, CancellationToken cancellationToken) =>
        new(new DnsAnswer<MailExchanger>(DnsStatus.NotFound));

    public ValueTask<DnsAnswer<IPAddress>> FindAddressesAsync(string host, bool ipv6, CancellationToken cancellationToken)
    {
        Asked++;
        return new(Addresses.TryGetValue(host, out var found)
            ? new DnsAnswer<IPAddress>(DnsStatus.Found, found)
            : new DnsAnswer<IPAddress>(DnsStatus.NotFound));
    }

    public ValueTask<DnsAnswer<string>> FindNamesAsync(IPAddress address, CancellationToken cancellationToken)
    {
        Asked++;
        return new(Names.TryGetValue(address, out var name)
            ? new DnsAnswer<string>(DnsStatus.Found, [name])
            : new DnsAnswer<string>(DnsStatus.NotFound));
    }
}
