using Microsoft.Win32.SafeHandles;
using Mta.Core.Config;

namespace Mta.Services.Postlogd;

/// <summary>Chooses where the log goes: maillog_file if set, else standard output under start-fg, else the system log, else standard error.</summary>
public static class LogSinks
{
    /// <param name="foreground">The program was started by start-fg.</param>
    /// <param name="openFile">Opens maillog_file in another way than by this process's rights; null for those.</param>
    /// <param name="warning">Set when there is no log but standard error.</param>
    public static BufferedLogSink Open(
        Settings settings, bool foreground, TimeProvider time, out string? warning, Func<string, SafeFileHandle>? openFile = null)
    {
        warning = null;
        var name = settings.Get(Parameters.SyslogName);
        var withHost = new LinePrefix(time, name, HostName(settings), Environment.ProcessId);
        var file = settings.Get(Parameters.MaillogFile);
        if (file == "/dev/stdout" || (file.Length == 0 && foreground))
        {
            return FileLogSink.Create(time, withHost, new SafeFileHandle(1, ownsHandle: false));
        }

        if (file.Length > 0)
        {
            return FileLogSink.Create(time, withHost, file, Permissions(settings), openFile);
        }

        if (SyslogSink.TryCreate(time, new LinePrefix(time, name, null, Environment.ProcessId), SyslogSink.SystemSocket, settings.Get(Parameters.SyslogFacility)) is { } syslog)
        {
            return syslog;
        }

        warning = $"there is no maillog_file and no system log at {SyslogSink.SystemSocket}: the log goes to standard error";
        return FileLogSink.Create(time, withHost, new SafeFileHandle(2, ownsHandle: false));
    }

    /// <summary>maillog_file_permissions, which is written in octal.</summary>
    public static UnixFileMode Permissions(Settings settings)
    {
        var text = settings.Text(Parameters.MaillogFilePermissions.Name) ?? "0600";
        var mode = 0;
        foreach (var digit in text)
        {
            if (digit is < '0' or > '7')
            {
                return UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            mode = (mode * 8) + (digit - '0');
        }

        return (UnixFileMode)(mode & 0x1FF);
    }

    // As syslogd does: the host's name without its domain.
    private static string HostName(Settings settings)
    {
        var name = System.Net.Dns.GetHostName();
        if (name.Length == 0)
        {
            name = settings.Get(Parameters.Myhostname);
        }

        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? name[..dot] : name;
    }
}
