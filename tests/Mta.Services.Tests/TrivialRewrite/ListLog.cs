using System.Text;
using Mta.Services.Clients;

namespace Mta.Services.Tests.TrivialRewrite;

/// <summary>Keeps the log's lines.</summary>
internal sealed class ListLog : ILogSink
{
    public List<string> Lines { get; } = [];

    public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
    {
        lock (Lines)
        {
            Lines.Add($"{tag}: {Encoding.UTF8.GetString(text)}");
        }
    }
}
