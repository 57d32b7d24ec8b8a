namespace Mta.Services.Smtpd.Restrictions;

/// <summary>The part of <see cref="RestrictionTable"/> whose restrictions ask the DNS, or tables of their own.</summary>
internal static class DnsRestrictionTable
{
    public static IReadOnlyList<RestrictionDefinition> Definitions { get; } =
    [
        new("permit_naked_ip_address", HeloRestrictions.PermitNakedAddress),
        new("reject_unknown_helo_hostname", UnknownDomains.RejectHeloAsync),
        new("reject_unknown_hostname", UnknownDomains.RejectHeloAsync),
        new("reject_unknown_sender_domain", UnknownDomains.RejectSenderAsync),
        new("reject_unknown_address", UnknownDomains.RejectSenderAsync),
        new("reject_unknown_recipient_domain", UnknownDomains.RejectRecipientAsync),
        new("reject_rbl_client", BlockLists.RejectClientAsync, ArgumentKind.Word),
        new("reject_rbl", BlockLists.RejectClientAsync, ArgumentKind.Word),
        new("reject_maps_rbl", BlockLists.RejectMapsAsync),
        new("reject_rhsbl_client", BlockLists.RejectClientNameAsync, ArgumentKind.Word),
        new("reject_rhsbl_reverse_client", BlockLists.RejectReverseClientNameAsync, ArgumentKind.Word),
        new("reject_rhsbl_helo", BlockLists.RejectHeloAsync, ArgumentKind.Word),
        new("reject_rhsbl_sender", BlockLists.RejectSenderAsync, ArgumentKind.Word),
        new("reject_rhsbl_recipient", BlockLists.RejectRecipientAsync, ArgumentKind.Word),
        new("permit_dnswl_client", BlockLists.PermitClientAsync, ArgumentKind.Word),
        new("permit_rhswl_client", BlockLists.PermitClientNameAsync, ArgumentKind.Word),
        new("permit_mx_backup", MxBackup.PermitAsync),
        new("reject_sender_login_mismatch", SenderLogins.RejectAsync),
        new("reject_known_sender_login_mismatch", SenderLogins.RejectKnownAsync),
        new("reject_authenticated_sender_login_mismatch", SenderLogins.RejectAuthenticatedAsync),
        new("reject_unauthenticated_sender_login_mismatch", SenderLogins.RejectUnauthenticatedAsync),
        new("check_reverse_client_hostname_access", HostAccess.CheckReverseClientAsync, ArgumentKind.Table),
        Hosts("check_client_a_access", HostAccess.Client, HostRecords.Addresses),
        Hosts("check_client_mx_access", HostAccess.Client, HostRecords.MailExchangers),
        Hosts("check_client_ns_access", HostAccess.Client, HostRecords.NameServers),
        Hosts("check_reverse_client_hostname_a_access", HostAccess.ReverseClient, HostRecords.Addresses),
        Hosts("check_reverse_client_hostname_mx_access", HostAccess.ReverseClient, HostRecords.MailExchangers),
        Hosts("check_reverse_client_hostname_ns_access", HostAccess.ReverseClient, HostRecords.NameServers),
        Hosts("check_helo_a_access", HostAccess.Helo, HostRecords.Addresses),
        Hosts("check_helo_mx_access", HostAccess.Helo, HostRecords.MailExchangers),
        Hosts("check_helo_ns_access", HostAccess.Helo, HostRecords.NameServers),
        Hosts("check_sender_a_access", HostAccess.Sender, HostRecords.Addresses),
        Hosts("check_sender_mx_access", HostAccess.Sender, HostRecords.MailExchangers),
        Hosts("check_sender_ns_access", HostAccess.Sender, HostRecords.NameServers),
        Hosts("check_recipient_a_access", HostAccess.Recipient, HostRecords.Addresses),
        Hosts("check_recipient_mx_access", HostAccess.Recipient, HostRecords.MailExchangers),
        Hosts("check_recipient_ns_access", HostAccess.Recipient, HostRecords.NameServers),
    ];

    private static RestrictionDefinition Hosts(string name, Func<string, HostRecords, RestrictionFunction> function, HostRecords records) =>
        new(name, function(name, records), ArgumentKind.Table);
}
