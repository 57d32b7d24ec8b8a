namespace Mta.Core.Config;

public static partial class Parameters
{
    public static readonly Parameter<TimeSpan> MilterCommandTimeout = Time("milter_command_timeout", "30s");
    public static readonly Parameter<string> MilterConnectMacros = Text("milter_connect_macros", "j {daemon_name} {daemon_addr} v _");
    public static readonly Parameter<TimeSpan> MilterConnectTimeout = Time("milter_connect_timeout", "30s");
    public static readonly Parameter<TimeSpan> MilterContentTimeout = Time("milter_content_timeout", "300s");
    public static readonly Parameter<string> MilterDataMacros = Text("milter_data_macros", "i");
    public static readonly Parameter<string> MilterDefaultAction = Text("milter_default_action", "shutdown");
    public static readonly Parameter<string> MilterEndOfDataMacros = Text("milter_end_of_data_macros", "i");
    public static readonly Parameter<string> MilterEndOfHeaderMacros = Text("milter_end_of_header_macros", "i");
    public static readonly Parameter<string> MilterHeaderChecks = Text("milter_header_checks", "");
    public static readonly Parameter<string> MilterHeloMacros = Text("milter_helo_macros", "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}");
    public static readonly Parameter<string> MilterMacroDaemonName = Text("milter_macro_daemon_name", "$myhostname");
    public static readonly Parameter<string> MilterMacroDefaults = Text("milter_macro_defaults", "");
    public static readonly Parameter<string> MilterMacroV = Text("milter_macro_v", "$mail_name $mail_version");
    public static readonly Parameter<string> MilterMailMacros = Text("milter_mail_macros", "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}");
    public static readonly Parameter<string> MilterProtocol = Text("milter_protocol", "6");
    public static readonly Parameter<string> MilterRcptMacros = Text("milter_rcpt_macros", "i {rcpt_addr} {rcpt_host} {rcpt_mailer}");
    public static readonly Parameter<string> MilterUnknownCommandMacros = Text("milter_unknown_command_macros", "");
}
