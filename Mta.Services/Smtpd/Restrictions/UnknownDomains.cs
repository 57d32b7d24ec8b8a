using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Dns;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Restrictions on names that the DNS does not know: of HELO, and of the domains of sender and recipient.</summary>
internal static class UnknownDomains
{
    private const string Malformed = "Malformed DNS server reply";

    public static async ValueTask<Verdict> RejectHeloAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        if (context.Session.Helo is not { } name)
        {
            return Verdict.Dunno;
        }

        if (name.StartsWith('['))
        {
            return HeloRestrictions.CheckLiteral(context, name);
        }

        var rules = context.Config.DnsRules;
        var isMalformed = false;
        var status = await FindAddressesAsync(context, name, DnsStatus.NoData, cancellationToken).ConfigureAwait(false);
        if (status is not (DnsStatus.Found or DnsStatus.NotFound))
        {
            var exchangers = await context.Dns.FindMailExchangersAsync(name, cancellationToken).ConfigureAwait(false);
            isMalformed = exchangers.Status == DnsStatus.Found && !MailExchangers.IsNull(exchangers) && MailExchangers.Read(context, name, exchangers) is [];
            status = Worse(status, isMalformed ? DnsStatus.NoData : exchangers.Status);
        }

        var text = $"<{name}>: Helo command rejected: {(isMalformed && status != DnsStatus.TryAgain ? Malformed : "Host not found")}";
        return status switch
        {
            DnsStatus.Found => Verdict.Dunno,
            DnsStatus.TryAgain when rules.DefersUnknownHelo => Verdict.Refuse(450, "7.1", text),
            DnsStatus.TryAgain => Verdict.DeferIfPermit(450, "7.1", text),
            _ => Verdict.Refuse(context.Settings.Get(Parameters.UnknownHostnameRejectCode), "7.1", text),
        };
    }

    public static ValueTask<Verdict> RejectSenderAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.Sender is { Length: > 0 } sender ? RejectAsync(context, sender, null, isSender: true, cancellationToken) : new(Verdict.Dunno);

    public static ValueTask<Verdict> RejectRecipientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.Recipient is { } recipient ? RejectAsync(context, recipient, context.Resolution, isSender: false, cancellationToken) : new(Verdict.Dunno);

    private static async ValueTask<Verdict> RejectAsync(
        CheckContext context, string address, Resolution? known, bool isSender, CancellationToken cancellationToken)
    {
        var resolution = known ?? await context.ResolveAsync(address, cancellationToken).ConfigureAwait(false);
        if (resolution.Outcome == ResolveOutcome.Failed)
        {
            return Verdict.Fault(CheckContext.TemporaryLookupFailure(address));
        }

        // Mail for our own domains needs no DNS, nor does an address literal.
        if (resolution.Outcome != ResolveOutcome.Ok
            || resolution.Class is AddressClass.Local or AddressClass.VirtualAlias or AddressClass.VirtualMailbox
            || !MailAddress.HasDomain(resolution.Recipient)
            || MailAddress.Domain(resolution.Recipient) is ['[', .., ']'])
        {
            return Verdict.Dunno;
        }

        var domain = MailAddress.Domain(resolution.Recipient).ToString();
        return await AskAsync(context, domain, $"<{address}>: {(isSender ? "Sender" : "Recipient")} address rejected: ", isSender, cancellationToken)
            .ConfigureAwait(false);
    }

    private static async ValueTask<Verdict> AskAsync(CheckContext context, string domain, string begin, bool isSender, CancellationToken cancellationToken)
    {
        var exchangers = await context.Dns.FindMailExchangersAsync(domain, cancellationToken).ConfigureAwait(false);
        var detail = isSender ? "1.8" : "1.2";
        var status = exchangers.Status;
        if (status == DnsStatus.Found)
        {
            if (MailExchangers.IsNull(exchangers))
            {
                // RFC 7505 section 4.2.
                var text = $"{begin}Domain {domain} does not accept mail (nullMX)";
                return isSender ? Verdict.Refuse(550, "7.27", text) : Verdict.Refuse(556, "1.10", text);
            }

            return MailExchangers.Read(context, domain, exchangers) is not []
                ? Verdict.Dunno
                : Verdict.Refuse(context.Settings.Get(Parameters.UnknownAddressRejectCode), detail, begin + Malformed);
        }

        var rules = context.Config.DnsRules;
        status = await FindAddressesAsync(context, domain, status, cancellationToken).ConfigureAwait(false);
        begin += "Domain not found";
        return status switch
        {
            DnsStatus.Found => Verdict.Dunno,
            DnsStatus.TryAgain when rules.DefersUnknownAddress => Verdict.Refuse(450, detail, begin),
            DnsStatus.TryAgain => Verdict.DeferIfPermit(450, detail, begin),
            _ => Verdict.Refuse(context.Settings.Get(Parameters.UnknownAddressRejectCode), detail, begin),
        };
    }

    /// <summary>Addresses of either family make a name known, whatever inet_protocols says.</summary>
    private static async ValueTask<DnsStatus> FindAddressesAsync(CheckContext context, string name, DnsStatus status, CancellationToken cancellationToken)
    {
        for (var ipv6 = false; status is not (DnsStatus.Found or DnsStatus.NotFound); ipv6 = true)
        {
            status = Worse(status, (await context.Dns.FindAddressesAsync(name, ipv6, cancellationToken).ConfigureAwait(false)).Status);
            if (ipv6)
            {
                break;
            }
        }

        return status;
    }

    /// <summary>Where one type of record is there the name is known; else one failure makes the whole uncertain.</summary>
    private static DnsStatus Worse(DnsStatus before, DnsStatus now) => now != DnsStatus.Found && before == DnsStatus.TryAgain ? before : now;
}
