using Mta.Core.Addresses;
using Mta.Core.Config;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Restrictions on the form of sender and recipient, and on whether they exist here.</summary>
internal static class AddressRestrictions
{
    public static ValueTask<Verdict> RejectNonFqdnSender(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Sender is { Length: > 0 } sender ? NonFqdn(context, sender, "Sender") : Verdict.Dunno);

    public static ValueTask<Verdict> RejectNonFqdnRecipient(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Recipient is { } recipient ? NonFqdn(context, recipient, "Recipient") : Verdict.Dunno);

    public static ValueTask<Verdict> RejectMultiRecipientBounce(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        // The recipient under way is not counted yet at RCPT.
        var count = context.Session.Mail.RecipientCount + (context.Session.Where == "RCPT" ? 1 : 0);
        return new(context.Sender is "" && count > 1
            ? Verdict.Refuse(
                context.Settings.Get(Parameters.MultiRecipientBounceRejectCode), "5.3", context.Frame("Multi-recipient bounce"))
            : Verdict.Dunno);
    }

    public static ValueTask<Verdict> RejectUnlistedSenderAsync(
        CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.Sender is { Length: > 0 }
            ? context.Config.UnlistedRecipients.CheckSenderAsync(context, cancellationToken)
            : new(Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnlistedRecipientAsync(
        CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.Resolution is not null
            ? context.Config.UnlistedRecipients.CheckRecipientAsync(context, cancellationToken)
            : new(Verdict.Dunno);

    private static Verdict NonFqdn(CheckContext context, string address, string kind)
    {
        // Without a domain it is the local postmaster, or an address of this site.
        var domain = MailAddress.Domain(address);
        var literal = domain.Length > 0 && domain[0] == '[';
        return MailAddress.HasDomain(address) && (literal || HostNames.IsFullyQualified(domain))
            ? Verdict.Dunno
            : Verdict.Refuse(
                context.Settings.Get(Parameters.NonFqdnRejectCode),
                "5.2",
                $"<{address}>: {kind} address rejected: need fully-qualified address");
    }
}
