using System.Text.RegularExpressions;

namespace Mta.Core.Config;

/// <summary>
/// What the rows of <c>mta.parameter</c> may say. Whoever may write them is an administrator of mail, not of hosts: no value from SQL may
/// run a command on a host, name a file of it, or show a secret of main.cf. The database checks the text when it is written
/// (sql/migrations/0010_parameter.sql has the same rules), the node what becomes of it after expansion.
/// </summary>
public static partial class StoredParameterPolicy
{
    /// <summary>What the reason of a refusal is about; see <see cref="Refusal"/>.</summary>
    private const string Command = "it decides which commands run on a host, and how";
    private const string User = "it names users of a host, or says what they may do";
    private const string Path = "it names a file, a directory or a socket of a host";
    private const string Service = "it names a service of a host's master.cf";
    private const string Library = "it chooses a library or a kind of file on a host";
    private const string DatabaseItself = "it says which database this is, and which node";
    private const string Secret = "it holds passwords";
    private const string Master = "master(8) reads it before the database is open";
    private const string ReadOnly = "it is read-only";

    /// <summary>Names by themselves; those with a telling end are in <see cref="Ends"/>.</summary>
    private static readonly Dictionary<string, string> Names = Make();

    private static readonly (string End, string Reason)[] Ends =
    [
        ("_directory", Path), ("_directories", Path), ("_path", Path), ("_file", Path), ("_files", Path), ("_CAfile", Path), ("_CApath", Path),
        ("_prefixes", Path), ("_database", Path), ("_socket_name", Path), ("_auth_cache_name", Path), ("_service_name", Service), ("_command_maps", Command),
        ("_sasl_type", Library), ("_sasl_password_maps", Secret),
    ];

    /// <summary>Texts that are shown and never looked up: anything may stand in them.</summary>
    private static readonly HashSet<string> FreeTexts = new(StringComparer.Ordinal)
    {
        "default_rbl_reply", "mail_name", "message_reject_characters", "message_strip_characters", "milter_macro_v", "postscreen_expansion_filter",
        "postscreen_greet_banner", "postscreen_reject_footer", "recipient_delimiter", "smtpd_banner", "smtpd_expansion_filter",
        "smtpd_policy_service_default_action", "smtpd_policy_service_policy_context", "smtpd_reject_footer", "undisclosed_recipients_header",
        "unverified_recipient_reject_reason", "unverified_sender_reject_reason", "verp_delimiter_filter", "default_verp_delimiters",
    };

    /// <summary>Why the parameter may not be set in SQL; null when it may.</summary>
    public static string? Refusal(Parameter parameter)
    {
        if (Names.TryGetValue(parameter.Name, out var reason))
        {
            return reason;
        }

        foreach (var (end, why) in Ends)
        {
            if (parameter.Name.EndsWith(end, StringComparison.Ordinal))
            {
                return why;
            }
        }

        return null;
    }

    /// <summary>Whether the text of its value is looked at for what names files, commands and sockets.</summary>
    public static bool IsChecked(Parameter? parameter) =>
        parameter is null || (parameter.Kind is ParameterKind.Text or ParameterKind.Raw && !FreeTexts.Contains(parameter.Name));

    /// <summary>Whether a value from SQL may say <c>$name</c>: of what the table has and SQL may set, for the rest may be a secret.</summary>
    public static bool MayRefer(string name) =>
        Parameters.ByName.TryGetValue(name, out var parameter) ? Refusal(parameter) is null or ReadOnly or Master || IsPlain(name) : TransportParameters.Find(name) is not null;

    /// <summary>What is wrong with a value whose text, expanded or not, involves SQL; null when nothing is.</summary>
    /// <param name="parameter">Null for a user-defined restriction class.</param>
    public static string? Check(Parameter? parameter, string text)
    {
        if (!IsChecked(parameter))
        {
            return null;
        }

        foreach (var reach in (Regex[])[HostTable(), PatternFile(), SocketMap()])
        {
            if (reach.Match(text) is { Success: true, Value: var found })
            {
                return $"\"{found.Trim()}\" reads from the host or from another database, which a value in SQL may not";
            }
        }

        return Pipe().IsMatch(text) || FilePath().IsMatch(InlinePatterns().Replace(text, "")) ? "a file or a command of the host, which a value in SQL may not name"
            : parameter is { Name: var name } && name.EndsWith("_milters", StringComparison.Ordinal) && text.Contains("local:", StringComparison.OrdinalIgnoreCase)
                ? "\"local:\" is a socket of the host, which a value in SQL may not name"
            : null;
    }

    /// <summary>The types of tables and sockets that reach into the host.</summary>
    [GeneratedRegex(
        @"(?<![a-z0-9_])(texthash|pipe|unix|environ|pgsql|ldap|mysql|sqlite|mongodb|memcache|nis|nisplus|netinfo|fifo|file|dev|egd|:include)\s*:",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex HostTable();

    /// <summary>Tables of patterns that are not written out.</summary>
    [GeneratedRegex(@"(?<![a-z0-9_])(regexp|pcre|cidr)\s*:(?!\s*\{)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PatternFile();

    [GeneratedRegex(@"(?<![a-z0-9_])socketmap\s*:(?!inet:)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SocketMap();

    /// <summary>A command as aliases have it; also where an inline table would give it.</summary>
    [GeneratedRegex(@"(^|[\s,{}(!""=:])\||static\s*:\s*\{?\s*[""/]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pipe();

    /// <summary>A file, as an element of a list.</summary>
    [GeneratedRegex(@"(^|[\s,{}(!""=])/")]
    private static partial Regex FilePath();

    /// <summary>Tables of patterns that are written out: slashes stand around the patterns.</summary>
    [GeneratedRegex(@"(regexp|pcre)\s*:\s*\{([^{}]|\{([^{}]|\{[^{}]*\})*\})*\}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex InlinePatterns();

    /// <summary>Names of the host that are no secret and that tables are often called by.</summary>
    private static bool IsPlain(string name) => name is "config_directory" or "default_database_type" or "default_cache_db_type" or "multi_instance_name";

    private static Dictionary<string, string> Make()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        Add(Command, "allow_mail_to_commands allow_mail_to_files allow_min_user command_expansion_filter debugger_command execution_directory_expansion_filter "
            + "export_environment forward_expansion_filter import_environment local_command_shell mailbox_command maillog_file_compressor "
            + "multi_instance_wrapper postmulti_control_commands postmulti_start_commands postmulti_stop_commands");
        Add(User, "authorized_flush_users authorized_mailq_users authorized_submit_users default_privs local_login_sender_maps mail_owner setgid_group "
            + "strict_mailbox_ownership virtual_gid_maps virtual_minimum_uid virtual_uid_maps");
        Add(Path, "address_verify_map forward_path home_mailbox maillog_file_permissions maillog_file_rotate_suffix postscreen_cache_map "
            + "tls_random_exchange_name tls_random_source virtual_mailbox_base");
        Add(Library, "default_cache_db_type default_database_type non_bdb_custom_mapping non_bdb_migration_level smtpd_sasl_path tls_config_name");
        Add(DatabaseItself, "database_url node_name");
        Add(Secret, "tls_server_sni_maps");
        Add(Master, "compatibility_level inet_interfaces inet_protocols known_tcp_ports master_service_disable multi_instance_enable multi_instance_group "
            + "multi_instance_name service_throttle_time syslog_facility syslog_name");
        Add(ReadOnly, "mail_version process_id process_name service_name");
        return names;

        void Add(string reason, string list)
        {
            foreach (var name in list.Split(' '))
            {
                names.Add(name, reason);
            }
        }
    }
}
