using System.Net;
using Mta.Core.Addresses;
using Mta.Core.Lookup;
using Mta.Services.Dns;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Whose hosts a check_*_{a,mx,ns}_access looks at.</summary>
internal enum HostRecords : byte
{
    /// <summary>The addresses of the name itself.</summary>
    Addresses,
    /// <summary>Its mail exchangers, or itself where it has none.</summary>
    MailExchangers,
    /// <summary>The name servers of the zone that it is in.</summary>
    NameServers,
}

/// <summary>
/// check_{client,reverse_client_hostname,helo,sender,recipient}_{a,mx,ns}_access: access tables asked about hosts that the DNS names, each
/// by its name and by its addresses. A name whose hosts cannot be found has none, with a warning, as in Postfix.
/// OK is no answer here: whoever owns a domain could permit himself by it.
/// </summary>
internal static class HostAccess
{
    /// <summary>Hosts of one name that are looked at.</summary>
    private const int MostHosts = 100;

    public static RestrictionFunction Client(string restriction, HostRecords records) => (context, argument, cancellationToken) =>
    {
        var client = context.Session.Client;
        return client.Name == "unknown"
            ? new(Verdict.Dunno)
            : CheckAsync(context, argument, records, client.Name, new(client.Tag, "Client host", restriction), cancellationToken);
    };

    public static RestrictionFunction ReverseClient(string restriction, HostRecords records) => (context, argument, cancellationToken) =>
        context.Session.Client.ReverseName is { } name
            ? CheckAsync(context, argument, records, name, new(name, "Unverified Client host", restriction), cancellationToken)
            : new(Verdict.Dunno);

    public static RestrictionFunction Helo(string restriction, HostRecords records) => (context, argument, cancellationToken) =>
        context.Session.Helo is { } name
            ? CheckAsync(context, argument, records, name, new(name, "Helo command", restriction), cancellationToken)
            : new(Verdict.Dunno);

    public static RestrictionFunction Sender(string restriction, HostRecords records) => (context, argument, cancellationToken) =>
        context.Sender is { Length: > 0 } sender
            ? CheckAsync(context, argument, records, sender, new(sender, "Sender address", restriction), cancellationToken)
            : new(Verdict.Dunno);

    public static RestrictionFunction Recipient(string restriction, HostRecords records) => (context, argument, cancellationToken) =>
        context.Recipient is { Length: > 0 } recipient
            ? CheckAsync(context, argument, records, recipient, new(recipient, "Recipient address", restriction), cancellationToken)
            : new(Verdict.Dunno);

    /// <summary>check_reverse_client_hostname_access: what PTR says, or the address.</summary>
    public static async ValueTask<Verdict> CheckReverseClientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var client = context.Session.Client;
        var name = client.ReverseName ?? "unknown";
        var keys = new ChainedKeys<DomainKeys, NetworkKeys>(DomainKeys(context, name), new NetworkKeys(client.Address));
        var found = await argument.Tables.FindFirstAsync(keys, cancellationToken).ConfigureAwait(false);
        var about = new AccessSubject(name, "Unverified Client host", "check_reverse_client_hostname_access");
        return await ActAsync(context, argument, found, name, about, cancellationToken).ConfigureAwait(false);
    }

    /// <param name="name">A host name, or an address whose domain is looked at.</param>
    private static async ValueTask<Verdict> CheckAsync(
        CheckContext context, RestrictionArgument argument, HostRecords records, string name, AccessSubject about, CancellationToken cancellationToken)
    {
        var domain = MailAddress.HasDomain(name) ? MailAddress.Domain(name).ToString() : name;
        if (domain.StartsWith('['))
        {
            return records != HostRecords.NameServers && domain.EndsWith(']') && HostnameSyntax.TryReadLiteral(domain.AsSpan(1..^1), out var literal)
                ? await CheckAddressAsync(context, argument, literal!, name, about, cancellationToken).ConfigureAwait(false) ?? Verdict.Dunno
                : Verdict.Dunno;
        }

        if (domain.Length == 0 || await FindHostsAsync(context, records, name, domain, cancellationToken).ConfigureAwait(false) is not { } hosts)
        {
            return Verdict.Dunno;
        }

        foreach (var host in hosts)
        {
            if (await CheckHostAsync(context, argument, records, host, name, about, cancellationToken).ConfigureAwait(false) is { } verdict)
            {
                return verdict;
            }
        }

        return Verdict.Dunno;
    }

    /// <summary>The hosts to look at; null when there are none.</summary>
    private static async ValueTask<IReadOnlyList<string>?> FindHostsAsync(
        CheckContext context, HostRecords records, string name, string domain, CancellationToken cancellationToken)
    {
        switch (records)
        {
            case HostRecords.Addresses:
                return [domain];
            case HostRecords.MailExchangers:
                var exchangers = await context.Dns.FindMailExchangersAsync(domain, cancellationToken).ConfigureAwait(false);
                if (exchangers.Status == DnsStatus.TryAgain)
                {
                    WarnOfName(context, "MX", domain, exchangers.Status);
                    return null;
                }

                return exchangers.Status != DnsStatus.Found ? [domain]
                    : MailExchangers.IsNull(exchangers) ? null
                    : MailExchangers.Read(context, domain, exchangers).ConvertAll(e => e.Exchange);
            default:
                return await FindNameServersAsync(context, name, domain, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Those of the name, or else of the nearest parent that has any.</summary>
    private static async ValueTask<IReadOnlyList<string>?> FindNameServersAsync(
        CheckContext context, string name, string domain, CancellationToken cancellationToken)
    {
        var zone = domain;
        while (true)
        {
            var servers = await context.Dns.FindNameServersAsync(zone, cancellationToken).ConfigureAwait(false);
            if (servers.Status == DnsStatus.Found)
            {
                return servers.Records;
            }

            var dot = zone.IndexOf('.', StringComparison.Ordinal);
            var isLast = dot < 0 || dot == zone.Length - 1;
            if (servers.Status == DnsStatus.TryAgain || isLast)
            {
                WarnOfName(context, "NS", servers.Status == DnsStatus.TryAgain ? zone : name, servers.Status);
                return null;
            }

            zone = zone[(dot + 1)..];
        }
    }

    /// <summary>Null when the table says nothing of the host.</summary>
    private static async ValueTask<Verdict?> CheckHostAsync(
        CheckContext context,
        RestrictionArgument argument,
        HostRecords records,
        string host,
        string name,
        AccessSubject about,
        CancellationToken cancellationToken)
    {
        if (HostnameSyntax.IsAddress(host))
        {
            return await CheckAddressAsync(context, argument, IPAddress.Parse(host), name, about, cancellationToken).ConfigureAwait(false);
        }

        if (records != HostRecords.Addresses)
        {
            var found = await argument.Tables.FindFirstAsync(DomainKeys(context, host), cancellationToken).ConfigureAwait(false);
            if (found.Outcome != LookupOutcome.NotFound)
            {
                return await ActAsync(context, argument, found, name, about, cancellationToken).ConfigureAwait(false);
            }
        }

        var addresses = await context.Dns.FindHostAsync(host, context.Config.DnsRules, cancellationToken).ConfigureAwait(false);
        if (addresses.Error is { } error && records != HostRecords.Addresses)
        {
            var type = records == HostRecords.MailExchangers ? "MX" : "NS";
            var session = context.Session;
            session.Log.Warning(session.Tag, $"Unable to look up {type} host {host} for {about.Class} {about.Name}: {error}");
        }

        foreach (var address in addresses.Addresses.Take(MostHosts))
        {
            if (await CheckAddressAsync(context, argument, address, name, about, cancellationToken).ConfigureAwait(false) is { } verdict)
            {
                return verdict;
            }
        }

        return null;
    }

    private static async ValueTask<Verdict?> CheckAddressAsync(
        CheckContext context, RestrictionArgument argument, IPAddress address, string name, AccessSubject about, CancellationToken cancellationToken)
    {
        var found = await argument.Tables.FindFirstAsync(new NetworkKeys(address.ToString()), cancellationToken).ConfigureAwait(false);
        return found.Outcome == LookupOutcome.NotFound
            ? null
            : await ActAsync(context, argument, found, name, about, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<Verdict> ActAsync(
        CheckContext context, RestrictionArgument argument, LookupResult found, string name, AccessSubject about, CancellationToken cancellationToken)
    {
        var verdict = await AccessActions.ActAsync(context, argument, found, about, cancellationToken).ConfigureAwait(false);
        if (verdict.Kind != VerdictKind.Ok)
        {
            return verdict;
        }

        var session = context.Session;
        session.Log.Warning(session.Tag, $"restriction {about.Restriction} returns OK for {name}");
        session.Log.Warning(session.Tag, $"this is not allowed for security reasons");
        session.Log.Warning(session.Tag, $"use DUNNO instead of OK if you want to make an exception");
        return Verdict.ConfigurationError;
    }

    private static void WarnOfName(CheckContext context, string type, string name, DnsStatus status) => context.Session.Log.Warning(
        context.Session.Tag, $"Unable to look up {type} host for {name}: {SessionDns.ErrorText(status)}");

    // smtpd_access_maps may want parents with a dot.
    private static DomainKeys DomainKeys(CheckContext context, string name) => new(name, withDots: !context.Config.AccessMatchesSubdomains);
}
