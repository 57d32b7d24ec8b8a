namespace Mta.Core.Tests.Config;

/// <summary>Why a parameter is not honoured, by its name; the first rule that fits counts.</summary>
internal static class NotHonouredReasons
{
    private static readonly string[] Obsolete =
    [
        "authorized_verp_clients", "enable_errors_to", "extract_recipient_limit", "fallback_relay", "lmtp_cache_connection", "lmtp_per_record_deadline",
        "lmtp_tls_per_site", "postscreen_blacklist_action", "postscreen_dnsbl_whitelist_threshold", "postscreen_whitelist_interfaces", "sender_based_routing",
        "smtp_per_record_deadline", "smtp_skip_4xx_greeting", "smtp_tls_cipherlist", "smtp_tls_per_site", "smtpd_client_connection_limit_exceptions",
        "smtpd_per_record_deadline", "smtpd_sasl_application_name", "smtpd_tls_cipherlist", "tls_dane_digest_agility", "tls_dane_trust_anchor_digest_enable",
        "tls_legacy_public_key_fingerprints", "tlsproxy_client_level", "tlsproxy_client_policy", "tlsproxy_tls_session_cache_timeout", "virtual_maps",
        "backwards_bounce_logfile_compatibility", "maps_rbl_domains", "maps_rbl_reject_code", "non_bdb_migration_level",
    ];

    private static readonly (string[] Parts, string Reason)[] Rules =
    [
        (["^enable_long_queue"], "kept although queue ids are always long ones"),
        (["^postscreen_", "^dnsblog_"], "there is no postscreen(8) yet"),
        (["^tlsproxy_"], "there is no tlsproxy(8): each service speaks TLS itself"),
        (["milter"], "milters are not supported yet"),
        (["sasl", "^broken_sasl", "auth_rate_limit"], "SASL authentication is not supported yet"),
        (["^address_verify_", "^unverified_"], "there is no verify(8) yet"),
        (["_policy_service_"], "policy servers are not supported yet"),
        (["^qmqpd_"], "there is no qmqpd(8) yet"),
        (["^smtpd_proxy_", "_upstream_proxy_"], "proxies before and behind smtpd(8) are not supported yet"),
        (["tlsrpt", "_tls_dane", "^tls_dane", "requiretls", "_sts_"], "this use of TLS is not supported yet"),
        (["_tls_", "^tls_", "^relay_clientcerts", "^openssl_path", "starttls"], "this detail of TLS is left to .NET's defaults"),
        (["^fast_flush", "^flush_"], "there is no flush(8) yet"),
        (["_rbl_", "^rbl_", "dnsbl", "^reject_tempfail", "_tempfail_action", "^unknown_", "_reject_code", "^smtpd_restriction", "^smtpd_.*_restrictions"], "this part of smtpd(8)'s restriction language is not supported yet"),
        (["^berkeley_db", "^lmdb_", "^non_bdb", "^socketmap", "^proxy_", "^proxymap", "^proxywrite", "^default_cache_db"], "lookup tables are kept in the database"),
        (["^hash_queue", "^queue_file", "^in_flow", "^qmgr_clog", "^fault_", "^dont_remove"], "the queue is kept in the database"),
        (["^fork_", "^max_use", "^max_idle", "^ipc_", "^daemon_", "^application_event", "^trigger_", "^qmgr_daemon", "^qmgr_ipc", "_watchdog_timeout", "^connection_cache_", "_service_name$"], "services are parts of one program and do not speak over sockets"),
        (["^mailbox_", "^home_mailbox", "^luser_", "^fallback_transport", "^forward_", "^allow_mail_to", "^allow_min", "^alias", "^command_e", "^execution_", "^expand_owner", "^owner_", "^reset_owner", "^recipient_delim", "^require_home", "^biff", "^prepend_deliv", "^local_command", "^frozen_deliv", "^mail_spool", "^default_privs", "^export_env", "^local_delivery", "^sun_mail"], "this part of local(8) is not supported yet"),
        (["^multi_instance", "^postmulti", "^alternate_config"], "there is no postmulti(1) yet"),
        (["verp"], "VERP is not supported yet"),
        (["_checks$", "^body_checks", "masquerade", "canonical", "generic_maps", "_bcc", "^virtual_alias_", "^propagate_", "^message_strip", "^message_reject", "^mime_", "^disable_mime", "^strict_", "^detect_8bit", "^force_mime", "^header_", "^content_filter", "^receive_override", "^internal_mail", "^undisclosed", "^always_add", "^duplicate_", "^full_name", "^non_empty_end"], "this part of cleanup(8) is not supported yet"),
        (["bounce", "^notify_", "_notice_", "^confirm_delay", "^double_", "^delay_notice"], "this part of bounce(8) is not supported yet"),
        (["^lmtp_"], "this part of lmtp(8) is not supported yet"),
        (["^smtp_", "^best_mx", "^ignore_", "^allow_srv", "^use_srv", "^dns"], "this part of smtp(8) is not supported yet"),
        (["^smtpd_", "^helpful", "^delay_open", "^allow_untrusted"], "this part of smtpd(8) is not supported yet"),
        (["^default_", "^qmgr_", "^transport_", "^destination_", "^initial_"], "this part of qmgr(8)'s scheduler is not supported yet"),
        (["_directory$", "_path$", "^mail_release", "^maillog_file_", "^setgid", "^syslog_", "^import_env", "^known_"], "kept for scripts that ask postconf(1) for it"),
    ];

    public static string Of(string name)
    {
        if (Obsolete.Contains(name))
        {
            return "obsolete in Postfix too";
        }

        foreach (var (parts, reason) in Rules)
        {
            if (parts.Any(p => System.Text.RegularExpressions.Regex.IsMatch(name, p)))
            {
                return reason;
            }
        }

        return "not supported yet";
    }
}
