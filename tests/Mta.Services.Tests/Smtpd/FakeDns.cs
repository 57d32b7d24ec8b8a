using System.Net;
using Mta.Services.Dns;

namespace Mta.Services.Tests.Smtpd;

/// <summary>A DNS of a few names. For names under <c>broken.test</c>, and names of addresses under 198.51.100, there is no answer.</summary>
internal sealed class FakeDns : IDnsResolver
{
    private readonly Dictionary<(string Name, string Type), List<string>> records = [];
    private readonly HashSet<string> names = [];

    public Dictionary<IPAddress, string> Names { get; } = [];

    public Dictionary<string, IPAddress[]> Addresses { get; } = [];

    /// <summary>Questions asked so far.</summary>
    public int Asked { get; private set; }

    /// <param name="record">A line as in a zone file: <c>x.test MX 10 mx.x.test</c>.</param>
    public void Add(string record)
    {
        var words = record.Split(' ', 3);
        names.Add(words[0]);
        if (!records.TryGetValue((words[0], words[1]), out var values))
        {
            records[(words[0], words[1])] = values = [];
        }

        values.Add(words[2]);
    }

    public ValueTask<DnsAnswer<MailExchanger>> FindMailExchangersAsync(string domain, CancellationToken cancellationToken) => Find(domain, "MX", value =>
    {
        var words = value.Split(' ');
        return new MailExchanger(int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture), words[1].TrimEnd('.'));
    });

    public ValueTask<DnsAnswer<IPAddress>> FindAddressesAsync(string host, bool ipv6, CancellationToken cancellationToken)
    {
        if (Addresses.TryGetValue(host, out var found))
        {
            Asked++;
            return new(new DnsAnswer<IPAddress>(DnsStatus.Found, found));
        }

        return Find(host, ipv6 ? "AAAA" : "A", IPAddress.Parse);
    }

    public ValueTask<DnsAnswer<string>> FindNamesAsync(IPAddress address, CancellationToken cancellationToken)
    {
        Asked++;
        return new(Names.TryGetValue(address, out var name) ? new DnsAnswer<string>(DnsStatus.Found, [name])
            : new DnsAnswer<string>(address.ToString().StartsWith("198.51.100.", StringComparison.Ordinal) ? DnsStatus.TryAgain : DnsStatus.NotFound));
    }

    public ValueTask<DnsAnswer<string>> FindNameServersAsync(string domain, CancellationToken cancellationToken) => Find(domain, "NS", value => value);

    public ValueTask<DnsAnswer<string>> FindTextsAsync(string name, CancellationToken cancellationToken) => Find(name, "TXT", value => value);

    private ValueTask<DnsAnswer<T>> Find<T>(string name, string type, Func<string, T> read)
    {
        Asked++;
        return new(records.TryGetValue((name, type), out var values) ? new DnsAnswer<T>(DnsStatus.Found, [.. values.Select(read)])
            : new DnsAnswer<T>(name.EndsWith("broken.test", StringComparison.Ordinal) ? DnsStatus.TryAgain
                : names.Any(n => n == name || n.EndsWith("." + name, StringComparison.Ordinal)) ? DnsStatus.NoData
                : DnsStatus.NotFound));
    }
}
