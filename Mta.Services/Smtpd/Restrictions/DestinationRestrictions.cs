using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Services.Clients;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Relay control: whether mail for the recipient is ours to take from anybody.</summary>
internal static class DestinationRestrictions
{
    public static ValueTask<Verdict> PermitAuth(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Recipient is not null && IsOurs(context) ? Verdict.Ok : Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnauth(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Recipient is null || IsOurs(context)
            ? Verdict.Dunno
            : Verdict.Refuse(context.Settings.Get(Parameters.RelayDomainsRejectCode), "7.1", Denied(context)));

    public static ValueTask<Verdict> DeferUnauth(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Recipient is null || IsOurs(context) ? Verdict.Dunno : Verdict.Refuse(454, "7.1", Denied(context)));

    /// <summary>What reject_unauth_destination was before there was one: it permits what that says nothing of.</summary>
    public static ValueTask<Verdict> CheckRelayDomains(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var session = context.Session;
        if (context.Config.Restrictions.WarnsOfRelayDomains())
        {
            session.Log.Warning(
                session.Tag,
                $"support for restriction \"check_relay_domains\" will be removed from {context.Config.MailName}; use \"reject_unauth_destination\" instead");
        }

        return context.Recipient is null ? new(Verdict.Dunno)
            : IsOurs(context) ? new(Verdict.Ok)
            : new(Verdict.Refuse(context.Settings.Get(Parameters.RelayDomainsRejectCode), "7.1", context.Frame("Relay access denied")));
    }

    // Local, virtual and relay classes are ours, unless the local part routes the mail on to somewhere else.
    private static bool IsOurs(CheckContext context) =>
        context.Resolution is { } resolution
        && (!MailAddress.HasDomain(context.Recipient) || (resolution is { Class: not AddressClass.Default, Routed: false }));

    private static string Denied(CheckContext context) => $"<{context.Recipient}>: Relay access denied";
}
