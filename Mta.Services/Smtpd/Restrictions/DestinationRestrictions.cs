using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Relay control: whether mail for the recipient is ours to take from anybody.</summary>
internal static class DestinationRestrictions
{
    public static ValueTask<Verdict> PermitAuth(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        new(context.Recipient is not null && IsOurs(context) ? Verdict.Ok : Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnauth(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        new(context.Recipient is null || IsOurs(context)
            ? Verdict.Dunno
            : Verdict.Refuse(context.Settings.Get(Parameters.RelayDomainsRejectCode), "7.1", Denied(context)));

    public static ValueTask<Verdict> DeferUnauth(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        new(context.Recipient is null || IsOurs(context) ? Verdict.Dunno : Verdict.Refuse(454, "7.1", Denied(context)));

    // Local, virtual and relay classes are ours, unless the local part routes the mail on to somewhere else.
    private static bool IsOurs(CheckContext context) =>
        context.Resolution is { } resolution
        && (!MailAddress.HasDomain(context.Recipient) || (resolution is { Class: not AddressClass.Default, Routed: false }));

    private static string Denied(CheckContext context) => $"<{AddressQuoting.ToExternal(context.Recipient!)}>: Relay access denied";
}
