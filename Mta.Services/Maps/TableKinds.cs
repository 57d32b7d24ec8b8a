using Mta.Storage.Maps;

namespace Mta.Services.Maps;

/// <summary>What the rows of a table mean, by the parameter or the restriction that names it.</summary>
public static class TableKinds
{
    private static readonly Dictionary<string, LookupKind> Parameters = new(StringComparer.Ordinal)
    {
        ["alias_maps"] = LookupKind.Aliases,
        ["alias_database"] = LookupKind.Aliases,
        ["canonical_maps"] = LookupKind.Canonical,
        ["sender_canonical_maps"] = LookupKind.Canonical,
        ["recipient_canonical_maps"] = LookupKind.Canonical,
        ["virtual_alias_maps"] = LookupKind.Virtual,
        ["virtual_maps"] = LookupKind.Virtual,
        ["transport_maps"] = LookupKind.Transport,
        ["address_verify_transport_maps"] = LookupKind.Transport,
        ["relocated_maps"] = LookupKind.Relocated,
        ["smtp_generic_maps"] = LookupKind.Generic,
        ["lmtp_generic_maps"] = LookupKind.Generic,
        ["sender_bcc_maps"] = LookupKind.Bcc,
        ["recipient_bcc_maps"] = LookupKind.Bcc,
        ["smtpd_sender_login_maps"] = LookupKind.SenderLogin,
        ["local_login_sender_maps"] = LookupKind.SenderLogin,
        ["virtual_mailbox_maps"] = LookupKind.Mailbox,
        ["sender_dependent_relayhost_maps"] = LookupKind.Relayhost,
        ["address_verify_sender_dependent_relayhost_maps"] = LookupKind.Relayhost,
    };

    /// <param name="before">The word that stands before the table.</param>
    /// <returns>Null when the use does not tell: a match list asks for keys only.</returns>
    public static LookupKind? Of(string parameter, string before) =>
        Parameters.TryGetValue(parameter, out var kind) ? kind
        : before.StartsWith("check_", StringComparison.Ordinal) && before.EndsWith("_access", StringComparison.Ordinal) ? LookupKind.Access
        : parameter.EndsWith("_recipient_maps", StringComparison.Ordinal) || parameter.EndsWith("_domains", StringComparison.Ordinal) ? null
        : LookupKind.Map;
}
