using System.Collections.Concurrent;
using System.Text;
using Mta.Services.Clients;

namespace Mta.Services.Tests.Maps;

/// <summary>Keeps log lines for a test to look at.</summary>
internal sealed class WarningLog : ILogSink
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public MailLog Log => new(this);

    public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text) => Lines.Enqueue(Encoding.UTF8.GetString(text));
}
