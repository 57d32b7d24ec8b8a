using System.Net;

namespace Mta.Services.Dns;

/// <summary>How a look-up ended.</summary>
public enum DnsStatus : byte
{
    Found,
    /// <summary>The name exists and has no record of this type.</summary>
    NoData,
    /// <summary>NXDOMAIN.</summary>
    NotFound,
    /// <summary>No server answered usefully: ask again later.</summary>
    TryAgain,
    /// <summary>The name cannot be in the DNS (an empty or over-long label).</summary>
    Invalid,
}

/// <summary>A mail exchanger; <paramref name="Exchange"/> is without the final dot, empty for the null MX of RFC 7505.</summary>
public readonly record struct MailExchanger(int Preference, string Exchange);

/// <summary>What the DNS said of a name.</summary>
public readonly record struct DnsAnswer<T>(DnsStatus Status, IReadOnlyList<T> Records)
{
    /// <summary>No records, and why.</summary>
    public DnsAnswer(DnsStatus status)
        : this(status, [])
    {
    }
}

/// <summary>Looks names up: the DNS, or a test.</summary>
public interface IDnsResolver
{
    /// <summary>The mail exchangers in no particular order.</summary>
    ValueTask<DnsAnswer<MailExchanger>> FindMailExchangersAsync(string domain, CancellationToken cancellationToken);

    /// <summary>The addresses of one family.</summary>
    ValueTask<DnsAnswer<IPAddress>> FindAddressesAsync(string host, bool ipv6, CancellationToken cancellationToken);

    /// <summary>The names that an address has by its PTR records, without the final dot.</summary>
    ValueTask<DnsAnswer<string>> FindNamesAsync(IPAddress address, CancellationToken cancellationToken);

    /// <summary>The servers of a zone by its NS records, without the final dot.</summary>
    ValueTask<DnsAnswer<string>> FindNameServersAsync(string domain, CancellationToken cancellationToken);

    /// <summary>The TXT records of a name; of a record with several strings the first one.</summary>
    ValueTask<DnsAnswer<string>> FindTextsAsync(string name, CancellationToken cancellationToken);
}
