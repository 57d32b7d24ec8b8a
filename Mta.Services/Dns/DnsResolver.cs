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
    /// <summary>Aliases of aliases that are followed, as in Postfix.</summary>
    private const int MostAliases = 10;

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

    public ValueTask<DnsAnswer<MailExchanger>> FindMailExchangersAsync(string domain, CancellationToken cancellationToken) =>
        FindAsync(domain, QueryType.MX, static (MxRecord r) => new MailExchanger(r.Preference, Plain(r.Exchange)), cancellationToken);

    public ValueTask<DnsAnswer<IPAddress>> FindAddressesAsync(string host, bool ipv6, CancellationToken cancellationToken) =>
        FindAsync(host, ipv6 ? QueryType.AAAA : QueryType.A, static (AddressRecord r) => r.Address, cancellationToken);

    public ValueTask<DnsAnswer<string>> FindNamesAsync(IPAddress address, CancellationToken cancellationToken) =>
        FindAsync(address.GetArpaName(), QueryType.PTR, static (PtrRecord r) => Plain(r.PtrDomainName), cancellationToken);

    public ValueTask<DnsAnswer<string>> FindNameServersAsync(string domain, CancellationToken cancellationToken) =>
        FindAsync(domain, QueryType.NS, static (NsRecord r) => Plain(r.NSDName), cancellationToken);

    public ValueTask<DnsAnswer<string>> FindTextsAsync(string name, CancellationToken cancellationToken) =>
        FindAsync(name, QueryType.TXT, static (TxtRecord r) => r.Text.FirstOrDefault() ?? "", cancellationToken);

    private static string Plain(DnsString name) => name.Value.TrimEnd('.');

    private async ValueTask<DnsAnswer<T>> FindAsync<TRecord, T>(string name, QueryType type, Func<TRecord, T> read, CancellationToken cancellationToken)
        where TRecord : DnsResourceRecord
    {
        for (var aliases = 0; ; aliases++)
        {
            var (status, response) = await QueryAsync(name, type, cancellationToken).ConfigureAwait(false);
            if (response is null)
            {
                return new DnsAnswer<T>(status);
            }

            var records = new List<T>();
            string? target = null;
            foreach (var record in response.Answers)
            {
                if (record is TRecord wanted)
                {
                    records.Add(read(wanted));
                }
                else if (record is CNameRecord alias)
                {
                    target = Plain(alias.CanonicalName);
                }
            }

            if (records.Count > 0)
            {
                return new(DnsStatus.Found, records);
            }

            // Most servers follow an alias to its end; some give it alone (RFC 1034 section 4.3.2).
            if (target is null || aliases == MostAliases)
            {
                return new DnsAnswer<T>(target is null ? DnsStatus.NoData : DnsStatus.TryAgain);
            }

            name = target;
        }
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
