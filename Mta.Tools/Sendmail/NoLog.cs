using Mta.Services.Clients;

namespace Mta.Tools.Sendmail;

/// <summary>For commands of ordinary users, who may not write to the mail log: pickup and cleanup log what is sent.</summary>
internal sealed class NoLog : ILogSink
{
    public static MailLog Instance { get; } = new(new NoLog());

    public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
    {
    }
}
