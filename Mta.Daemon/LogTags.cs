using Mta.Core.Config;

namespace Mta.Daemon;

/// <summary>The names of services in log lines.</summary>
internal static class LogTags
{
    /// <summary>The program; a service with <c>-o syslog_name=postfix/submission</c> is logged as <c>postfix/submission/smtpd</c>.</summary>
    public static string Of(Settings general, Settings service, string program)
    {
        var (root, own) = (general.Get(Parameters.SyslogName), service.Get(Parameters.SyslogName));
        return own.StartsWith(root + "/", StringComparison.Ordinal) ? $"{own[(root.Length + 1)..]}/{program}" : program;
    }
}
