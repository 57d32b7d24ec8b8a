using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>What follows a restriction's name in a list.</summary>
internal enum ArgumentKind : byte
{
    None,
    /// <summary>A table: <c>type:name</c>.</summary>
    Table,
    /// <summary>One word: a domain.</summary>
    Word,
    Number,
}

/// <summary>The argument of a restriction at one place of a list.</summary>
/// <param name="Text">As written; empty for none.</param>
/// <param name="Tables">The table that it names; empty when it is not a table.</param>
internal sealed record RestrictionArgument(string Text, TableList Tables)
{
    public static RestrictionArgument None { get; } = new("", TableList.Empty);

    /// <summary>The class that the restriction's name is; null when it is not one.</summary>
    public RestrictionClass? Class { get; init; }
}

/// <summary>Asks one restriction.</summary>
internal delegate ValueTask<Verdict> RestrictionFunction(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken);

/// <summary>A restriction by its name in main.cf.</summary>
internal sealed record RestrictionDefinition(string Name, RestrictionFunction Function, ArgumentKind Argument = ArgumentKind.None);

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
        new("defer_if_permit", GenericRestrictions.DeferIfPermit),
        new("defer_if_reject", GenericRestrictions.DeferIfReject),
        new("sleep", GenericRestrictions.SleepAsync, ArgumentKind.Number),
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
        new("check_relay_domains", DestinationRestrictions.CheckRelayDomains),
        new("check_client_access", AccessTables.CheckClientAsync, ArgumentKind.Table),
        new("check_helo_access", AccessTables.CheckHeloAsync, ArgumentKind.Table),
        new("check_sender_access", AccessTables.CheckSenderAsync, ArgumentKind.Table),
        new("check_recipient_access", AccessTables.CheckRecipientAsync, ArgumentKind.Table),
        new("check_etrn_access", AccessTables.CheckEtrnAsync, ArgumentKind.Table),
        .. DnsRestrictionTable.Definitions,
    ];

    private static readonly Dictionary<string, RestrictionDefinition> ByName =
        Definitions.ToDictionary(d => d.Name, StringComparer.OrdinalIgnoreCase);

    public static RestrictionDefinition? Find(string name) => ByName.GetValueOrDefault(name);
}
