using System.Collections.Frozen;

namespace Mta.Core.Config;

/// <summary>The words that a value may be made of.</summary>
/// <param name="IsList">Any number of them, apart by commas or white space; else exactly one, where an empty word means that there may be none.</param>
public sealed record ParameterChoices(IReadOnlyList<string> Words, bool IsList)
{
    private const string Envelope = "envelope_sender envelope_recipient header_sender header_recipient";
    private const string TempfailActions = "defer defer_if_permit";
    private const string PostscreenActions = "ignore enforce drop";
    private const string SaslOptions = "noplaintext noactive nodictionary noanonymous mutual_auth forward_secrecy";
    private const string TlsLevels = " none may encrypt dane dane-only fingerprint verify secure";
    private const string Grades = "export low medium high null";
    private const string LockStyles = "flock fcntl dotlock";

    private static readonly FrozenDictionary<string, ParameterChoices> Table = Make();

    /// <summary>The words for a parameter; null when it takes other texts, too.</summary>
    public static ParameterChoices? Of(string name) => Table.GetValueOrDefault(name);

    /// <summary>The first word that is none of these; null when the value is good.</summary>
    public string? FindWrong(string value)
    {
        if (!IsList)
        {
            return Words.Contains(value, StringComparer.OrdinalIgnoreCase) ? null : value;
        }

        return ValueList.Split(value).Find(w => !Words.Contains(w, StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>How to write it right.</summary>
    public string Remedy() => $"{(IsList ? "write any of: " : "write one of: ")}{string.Join(", ", Words.Where(w => w.Length > 0))}{(Words.Contains("") ? ", or nothing" : "")}";

    private static FrozenDictionary<string, ParameterChoices> Make()
    {
        var table = new Dictionary<string, ParameterChoices>(StringComparer.Ordinal);
        One("mynetworks_style", "class subnet host");
        One("header_from_format", "standard obsolete");
        One("info_log_address_format", "external internal");
        One("milter_default_action", "accept reject tempfail quarantine shutdown");
        One("sendmail_fix_line_endings", "always strict never");
        One("smtpd_forbid_bare_newline", "yes no note normalize reject");
        One("smtpd_tls_security_level", " none may encrypt");
        One("smtpd_tls_eecdh_grade", "auto none strong ultra");
        One("smtp_tls_dane_insecure_mx_policy", "dane encrypt may");
        One("smtpd_upstream_proxy_protocol", " haproxy");
        One("postscreen_upstream_proxy_protocol", " haproxy");
        foreach (var name in (string[])["reject", "unknown_address", "unknown_helo_hostname", "unverified_recipient", "unverified_sender"])
        {
            One(name + "_tempfail_action", TempfailActions);
        }

        foreach (var name in (string[])["bare_newline", "denylist", "dnsbl", "greet", "non_smtp_command", "pipelining"])
        {
            One($"postscreen_{name}_action", PostscreenActions);
        }

        foreach (var client in (string[])["smtp", "lmtp"])
        {
            One(client + "_address_preference", "any ipv4 ipv6");
            One(client + "_address_verify_target", "rcpt data");
            One(client + "_dns_support_level", " disabled enabled dnssec");
            One(client + "_tls_security_level", TlsLevels);
            Any(client + "_dns_resolver_options", "res_defnames res_dnsrch");
            Any(client + "_host_lookup", "dns native");
            Any(client + "_pix_workarounds", "disable_esmtp delay_dotcrlf");
        }

        foreach (var speaker in (string[])["smtp", "lmtp", "smtpd"])
        {
            One(speaker + "_tls_ciphers", Grades);
            One(speaker + "_tls_mandatory_ciphers", Grades);
            Any(speaker + "_sasl_security_options", SaslOptions);
            Any(speaker + "_sasl_tls_security_options", SaslOptions);
        }

        Any("allow_mail_to_commands", "alias forward include");
        Any("allow_mail_to_files", "alias forward include");
        Any("canonical_classes", Envelope);
        Any("inet_protocols", "all ipv4 ipv6");
        Any("internal_mail_filter_classes", "bounce notify");
        Any("mailbox_delivery_lock", LockStyles);
        Any("masquerade_classes", Envelope);
        Any("notify_classes", "bounce 2bounce data delay policy protocol resource software");
        Any("prepend_delivered_header", "command file forward");
        Any("propagate_unmatched_extensions", "canonical virtual alias forward include generic");
        Any("receive_override_options", "no_unknown_recipient_checks no_address_mappings no_header_body_checks no_milters");
        Any("recipient_canonical_classes", "envelope_recipient header_recipient");
        Any("sender_canonical_classes", "envelope_sender header_sender");
        Any("smtpd_proxy_options", "speed_adjust");
        Any("smtputf8_autodetect_classes", "sendmail smtpd qmqpd forward bounce notify verify all");
        Any("virtual_mailbox_lock", LockStyles);
        return table.ToFrozenDictionary(StringComparer.Ordinal);

        void One(string name, string words) => table.Add(name, new ParameterChoices(words.Split(' '), IsList: false));
        void Any(string name, string words) => table.Add(name, new ParameterChoices(words.Split(' '), IsList: true));
    }
}
