using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Services.Dns;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>
/// Lists in the DNS (RFC 5782) of clients and of domains: reject_rbl_*, reject_rhsbl_*, permit_dnswl_client, permit_rhswl_client. A list that
/// does not answer lists nobody to be refused, for else its failure would stop all mail; where it might have permitted, the refusal is temporary.
/// </summary>
internal static class BlockLists
{
    private const string ClientHost = "Client host";
    private const string UnverifiedClientHost = "Unverified Client host";

    private enum ListAnswer : byte
    {
        NotListed,
        Listed,
        Unknown,
    }

    public static ValueTask<Verdict> RejectClientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        RejectAddressAsync(context, argument.Text, cancellationToken);

    /// <summary>reject_maps_rbl: the lists of maps_rbl_domains.</summary>
    public static async ValueTask<Verdict> RejectMapsAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var session = context.Session;
        if (context.Config.DnsRules.WarnOnce("reject_maps_rbl"))
        {
            session.Log.Warning(
                session.Tag, $"support for restriction \"reject_maps_rbl\" will be removed from {context.Config.MailName}; use \"reject_rbl_client domain-name\" instead");
        }

        foreach (var domain in ValueList.Split(context.Settings.Get(Parameters.MapsRblDomains)))
        {
            var verdict = await RejectAddressAsync(context, domain, cancellationToken).ConfigureAwait(false);
            if (verdict.Kind != VerdictKind.Dunno)
            {
                return verdict;
            }
        }

        return Verdict.Dunno;
    }

    public static ValueTask<Verdict> RejectClientNameAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        RejectNameAsync(context, argument, VerifiedName(context), ClientHost, cancellationToken);

    public static ValueTask<Verdict> RejectReverseClientNameAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        RejectNameAsync(context, argument, context.Session.Client.ReverseName, UnverifiedClientHost, cancellationToken);

    public static ValueTask<Verdict> RejectHeloAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        RejectNameAsync(context, argument, context.Session.Helo, "Helo command", cancellationToken);

    public static ValueTask<Verdict> RejectSenderAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        RejectNameAsync(context, argument, context.Sender, "Sender address", cancellationToken);

    public static ValueTask<Verdict> RejectRecipientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        RejectNameAsync(context, argument, context.Recipient, "Recipient address", cancellationToken);

    public static ValueTask<Verdict> PermitClientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var client = context.Session.Client;
        return client.IpAddress is { } address ? PermitAsync(context, argument, Reversed(address), client.Address, cancellationToken) : new(Verdict.Dunno);
    }

    public static ValueTask<Verdict> PermitClientNameAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        VerifiedName(context) is { } name && DomainToAsk(name) is { } domain
            ? PermitAsync(context, argument, domain, name, cancellationToken)
            : new(Verdict.Dunno);

    /// <summary>An address as lists have it in front of their domain (RFC 5782 sections 2.1 and 2.4): octets, or nibbles, from the last to the first.</summary>
    public static string Reversed(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        var text = new StringBuilder(64);
        for (var i = length - 1; i >= 0; i--)
        {
            if (address.AddressFamily == AddressFamily.InterNetwork)
            {
                text.Append(CultureInfo.InvariantCulture, $"{bytes[i]}.");
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"{bytes[i] & 15:x}.{bytes[i] >> 4:x}.");
            }
        }

        text.Length--;
        return text.ToString();
    }

    private static string? VerifiedName(CheckContext context) => context.Session.Client.Name is var name and not "unknown" ? name : null;

    private static ValueTask<Verdict> RejectAddressAsync(CheckContext context, string argument, CancellationToken cancellationToken)
    {
        var client = context.Session.Client;
        return client.IpAddress is { } address ? RejectAsync(context, argument, Reversed(address), client.Address, ClientHost, cancellationToken) : new(Verdict.Dunno);
    }

    private static ValueTask<Verdict> RejectNameAsync(
        CheckContext context, RestrictionArgument argument, string? name, string @class, CancellationToken cancellationToken) =>
        name is not null && DomainToAsk(name) is { } domain
            ? RejectAsync(context, argument.Text, domain, name, @class, cancellationToken)
            : new(Verdict.Dunno);

    /// <summary>
    /// The domain to ask for; null for address literals, and for names that end in a number: some lists answer "no IP queries" to these, with an
    /// address that looks like a listing.
    /// </summary>
    private static string? DomainToAsk(string name)
    {
        var domain = MailAddress.HasDomain(name) ? MailAddress.Domain(name).ToString() : name;
        var last = domain.AsSpan(domain.LastIndexOf('.') + 1);
        return domain.Length == 0 || domain[0] == '[' || (last.Length > 0 && !last.ContainsAnyExceptInRange('0', '9')) ? null : domain;
    }

    private static async ValueTask<Verdict> RejectAsync(
        CheckContext context, string argument, string prefix, string what, string @class, CancellationToken cancellationToken)
    {
        if (context.Config.DnsRules.BlockList(argument, out var problem) is not { } list)
        {
            return Unusable(context, problem);
        }

        var query = $"{prefix}.{list.Domain}";
        return await AskAsync(context, list, query, cancellationToken).ConfigureAwait(false) == ListAnswer.Listed
            ? await BlockListReply.MakeAsync(context, new BlockListReply.Listing(argument, list.Domain, query, what, @class), cancellationToken).ConfigureAwait(false)
            : Verdict.Dunno;
    }

    private static async ValueTask<Verdict> PermitAsync(
        CheckContext context, RestrictionArgument argument, string prefix, string what, CancellationToken cancellationToken)
    {
        // Nobody outside may make relays of us by a list.
        if (context.Session.Where == "RCPT"
            && context.Recipient is not null
            && (await DestinationRestrictions.PermitAuth(context, RestrictionArgument.None, cancellationToken).ConfigureAwait(false)).Kind != VerdictKind.Ok)
        {
            return Verdict.Dunno;
        }

        if (context.Config.DnsRules.BlockList(argument.Text, out var problem) is not { } list)
        {
            return Unusable(context, problem);
        }

        return await AskAsync(context, list, $"{prefix}.{list.Domain}", cancellationToken).ConfigureAwait(false) switch
        {
            ListAnswer.Listed => Verdict.Ok,
            ListAnswer.Unknown => Verdict.DeferIfReject(450, "7.1", $"<{what}>: {ClientHost} rejected: Service unavailable"),
            _ => Verdict.Dunno,
        };
    }

    private static Verdict Unusable(CheckContext context, string? problem)
    {
        context.Session.Log.Warning(context.Session.Tag, $"{problem}");
        return Verdict.ConfigurationError;
    }

    private static async ValueTask<ListAnswer> AskAsync(CheckContext context, BlockListDomain list, string query, CancellationToken cancellationToken)
    {
        var answer = await context.Dns.FindAddressesAsync(query, ipv6: false, cancellationToken).ConfigureAwait(false);
        if (answer.Status != DnsStatus.TryAgain)
        {
            return answer.Status == DnsStatus.Found && list.Lists(answer.Records) ? ListAnswer.Listed : ListAnswer.NotListed;
        }

        if (context.Dns.Report(query))
        {
            var session = context.Session;
            session.Log.Warning(
                session.Tag,
                $"{query}: RBL lookup error: Host or domain name not found. Name service error for name={query} type=A: {SessionDns.ErrorText(answer.Status)}");
        }

        return ListAnswer.Unknown;
    }
}
