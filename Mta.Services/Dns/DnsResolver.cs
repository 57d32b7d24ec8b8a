using System.Globalization;
using System.Net;
using DnsClient;
using DnsClient.Protocol;
using Mta.Core.Config;

namespace Mta.Services.Dns;

/// <summary>
/// The DNS through the servers of dns_servers, else of resolv.conf. Answers are cached as long as they say.
/// An answer that was not understood, refused or not given is "try again": mail must not bounce for a resolver's troubles.
/// </summary>
public sealed class DnsResolver : IDnsResolver
{
    private static readonly IdnMapping Idn = new();

    private readonly LookupClient client;

    public DnsResolver(Settings settings)
        : this(ParseServers(settings.Get(Parameters.DnsServers)))
    {
    }

    public DnsResolver(IReadOnlyList<IPEndPoint> servers)
    {
        var known = servers.Count > 0 ? servers : SystemServers();
        var options = new LookupClientOptions([.. known]);
        options.ThrowDnsErrors = false;
        options.UseCache = true;
        options.UseRandomNameServer = false;
        options.ContinueOnDnsError = true;
        options.Timeout = TimeSpan.FromSeconds(5);
        options.Retries = 1;
        client = new LookupClient(options);
    }

    /// <summary>Reads <c>address</c>, <c>address:port</c> and <c>[v6]:port</c>, separated by commas or blanks; other words are left out.</summary>
    public static IReadOnlyList<IPEndPoint> ParseServers(string text)
    {
        var result = new List<IPEndPoint>();
        foreach (var word in text.Split([' ', ',', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPAddress.TryParse(word, out var address))
            {
                result.Add(new IPEndPoint(address, NameServer.DefaultPort));
            }
            else if (IPEndPoint.TryParse(word, out var endPoint))
            {
                result.Add(endPoint);
            }
        }

        return result;
    }

    public async ValueTask<DnsAnswer<MailExchanger>> FindMailExchangersAsync(string domain, CancellationToken cancellationToken)
    {
        var (status, response) = await QueryAsync(domain, QueryType.MX, cancellationToken).ConfigureAwait(false);
        if (response is null)
        {
            return new DnsAnswer<MailExchanger>(status);
        }

        var records = new List<MailExchanger>();
        foreach (var record in response.Answers)
        {
            if (record is MxRecord mx)
            {
                records.Add(new MailExchanger(mx.Preference, mx.Exchange.Value.TrimEnd('.')));
            }
        }

        return records.Count > 0 ? new(DnsStatus.Found, records) : new DnsAnswer<MailExchanger>(DnsStatus.NoData);
    }

    public async ValueTask<DnsAnswer<IPAddress>> FindAddressesAsync(string host, bool ipv6, CancellationToken cancellationToken)
    {
        var (status, response) = await QueryAsync(host, ipv6 ? QueryType.AAAA : QueryType.A, cancellationToken).ConfigureAwait(false);
        if (response is null)
        {
            return new DnsAnswer<IPAddress>(status);
        }

        var records = new List<IPAddress>();
        foreach (var record in response.Answers)
        {
            if (record is AddressRecord address)
            {
                records.Add(address.Address);
            }
        }

        return records.Count > 0 ? new(DnsStatus.Found, records) : new DnsAnswer<IPAddress>(DnsStatus.NoData);
    }

    public async ValueTask<DnsAnswer<string>> FindNamesAsync(IPAddress address, CancellationToken cancellationToken)
    {
        var (status, response) = await QueryAsync(address.GetArpaName(), QueryType.PTR, cancellationToken).ConfigureAwait(false);
        if (response is null)
        {
            return new DnsAnswer<string>(status);
        }

        var records = new List<string>();
        foreach (var record in response.Answers)
        {
            if (record is PtrRecord pointer)
            {
                records.Add(pointer.PtrDomainName.Value.TrimEnd('.'));
            }
        }

        return records.Count > 0 ? new(DnsStatus.Found, records) : new DnsAnswer<string>(DnsStatus.NoData);
    }

    private async ValueTask<(DnsStatus Status, IDnsQueryResponse? Response)> QueryAsync(string name, QueryType type, CancellationToken cancellationToken)
    {
        if (!IsPossible(ref name))
        {
            return (DnsStatus.Invalid, null);
        }

        try
        {
            var response = await client.QueryAsync(name, type, QueryClass.IN, cancellationToken).ConfigureAwait(false);
            return response.Header.ResponseCode switch
            {
                DnsHeaderResponseCode.NoError => (DnsStatus.Found, response),
                DnsHeaderResponseCode.NotExistentDomain => (DnsStatus.NotFound, null),
                _ => (DnsStatus.TryAgain, null),
            };
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // No answer, or one that cannot be parsed: the library throws whatever its parser meets.
            return (DnsStatus.TryAgain, null);
        }
    }

    /// <summary>Those of resolv.conf; without any, a server on this host, as resolv.conf(5) has it.</summary>
    private static IReadOnlyList<IPEndPoint> SystemServers()
    {
        try
        {
            var servers = NameServer.ResolveNameServers(skipIPv6SiteLocal: true, fallbackToGooglePublicDns: false);
            if (servers.Count > 0)
            {
                return [.. servers.Select(server => new IPEndPoint(IPAddress.Parse(server.Address), server.Port))];
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or UnauthorizedAccessException)
        {
            // Unreadable is as good as absent.
        }

        return [new IPEndPoint(IPAddress.Loopback, NameServer.DefaultPort)];
    }

    /// <summary>RFC 1035 section 2.3.4, and the A-label form of a name that has other letters.</summary>
    private static bool IsPossible(ref string name)
    {
        try
        {
            name = System.Text.Ascii.IsValid(name) ? name : Idn.GetAscii(name);
        }
        catch (ArgumentException)
        {
            return false;
        }

        var rest = name.AsSpan().TrimEnd('.');
        if (rest.Length is 0 or > 253)
        {
            return false;
        }

        foreach (var label in rest.Split('.'))
        {
            var (_, length) = label.GetOffsetAndLength(rest.Length);
            if (length is 0 or > 63)
            {
                return false;
            }
        }

        return !rest.ContainsAny(' ', '\0', '\n');
    }
}
