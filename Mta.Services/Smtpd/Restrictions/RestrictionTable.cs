using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Asks one restriction.</summary>
/// <param name="tables">The tables of its argument; empty for restrictions without one.</param>
internal delegate ValueTask<Verdict> RestrictionFunction(CheckContext context, TableList tables, CancellationToken cancellationToken);

/// <summary>A restriction by its name in main.cf.</summary>
internal sealed record RestrictionDefinition(string Name, RestrictionFunction Function, bool TakesTables = false);

/// <summary>
/// All restrictions of this version. Another name in a list is an error of the configuration: nothing is ever skipped in silence.
/// </summary>
internal static class RestrictionTable
{
    private static readonly RestrictionDefinition[] Definitions =
    [
        new("permit", GenericRestrictions.Permit),
        new("reject", GenericRestrictions.Reject),
        new("defer", GenericRestrictions.Defer),
        new("permit_inet_interfaces", ClientRestrictions.PermitInetInterfaces),
        new("permit_mynetworks", ClientRestrictions.PermitMyNetworksAsync),
        new("permit_sasl_authenticated", ClientRestrictions.PermitSaslAuthenticated),
        new("reject_unauth_pipelining", ClientRestrictions.RejectUnauthPipelining),
        new("reject_plaintext_session", ClientRestrictions.RejectPlaintextSession),
        new("reject_unknown_client_hostname", ClientRestrictions.RejectUnknownClientHostname),
        new("reject_unknown_client", ClientRestrictions.RejectUnknownClientHostname),
        new("reject_unknown_reverse_client_hostname", ClientRestrictions.RejectUnknownReverseClientHostname),
        new("reject_invalid_helo_hostname", HeloRestrictions.RejectInvalid),
        new("reject_invalid_hostname", HeloRestrictions.RejectInvalid),
        new("reject_non_fqdn_helo_hostname", HeloRestrictions.RejectNonFqdn),
        new("reject_non_fqdn_hostname", HeloRestrictions.RejectNonFqdn),
        new("reject_non_fqdn_sender", AddressRestrictions.RejectNonFqdnSender),
        new("reject_non_fqdn_recipient", AddressRestrictions.RejectNonFqdnRecipient),
        new("reject_multi_recipient_bounce", AddressRestrictions.RejectMultiRecipientBounce),
        new("reject_unlisted_sender", AddressRestrictions.RejectUnlistedSenderAsync),
        new("reject_unlisted_recipient", AddressRestrictions.RejectUnlistedRecipientAsync),
        new("permit_auth_destination", DestinationRestrictions.PermitAuth),
        new("reject_unauth_destination", DestinationRestrictions.RejectUnauth),
        new("defer_unauth_destination", DestinationRestrictions.DeferUnauth),
        new("check_client_access", AccessTables.CheckClientAsync, TakesTables: true),
        new("check_helo_access", AccessTables.CheckHeloAsync, TakesTables: true),
        new("check_sender_access", AccessTables.CheckSenderAsync, TakesTables: true),
        new("check_recipient_access", AccessTables.CheckRecipientAsync, TakesTables: true),
    ];

    private static readonly Dictionary<string, RestrictionDefinition> ByName =
        Definitions.ToDictionary(d => d.Name, StringComparer.OrdinalIgnoreCase);

    public static RestrictionDefinition? Find(string name) => ByName.GetValueOrDefault(name);
}
