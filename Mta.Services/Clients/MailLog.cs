using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace Mta.Services.Clients;

/// <summary>Panic: our bug. Fatal: the environment, this service stops. Warning: odd, we went on. Info: mail events.</summary>
public enum LogSeverity : byte
{
    Info,
    Warning,
    Error,
    Fatal,
    Panic,
}

/// <summary>Where log lines go: a file, standard output, the system log, or a test.</summary>
public interface ILogSink
{
    /// <summary>Takes one line without its end: <paramref name="tag"/> is <c>smtpd</c>, <paramref name="text"/> printable UTF-8. Must not block for long.</summary>
    void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text);
}

/// <summary>The mail log. A line is built in a buffer of the thread and copied once; text from outside is made printable on the way.</summary>
public sealed class MailLog(ILogSink sink)
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? buffer;

    /// <param name="tag">The service: <c>smtpd</c>, <c>submission/smtpd</c>, <c>qmgr</c>.</param>
    public void Info(string tag, ref LogText text) => Write(LogSeverity.Info, tag, "", ref text);

    public void Warning(string tag, ref LogText text) => Write(LogSeverity.Warning, tag, "warning: ", ref text);

    public void Error(string tag, ref LogText text) => Write(LogSeverity.Error, tag, "error: ", ref text);

    public void Fatal(string tag, ref LogText text) => Write(LogSeverity.Fatal, tag, "fatal: ", ref text);

    public void Panic(string tag, ref LogText text) => Write(LogSeverity.Panic, tag, "panic: ", ref text);

    private void Write(LogSeverity severity, string tag, string prefix, ref LogText text)
    {
        var line = text.Line;
        if (prefix.Length == 0)
        {
            sink.Write(severity, tag, line.WrittenSpan);
        }
        else
        {
            var marked = new byte[prefix.Length + line.WrittenCount];
            Encoding.ASCII.GetBytes(prefix, marked);
            line.WrittenSpan.CopyTo(marked.AsSpan(prefix.Length));
            sink.Write(severity, tag, marked);
        }

        Return(line);
    }

    private static ArrayBufferWriter<byte> Rent()
    {
        var rented = buffer ?? new ArrayBufferWriter<byte>(512);
        buffer = null;
        return rented;
    }

    private static void Return(ArrayBufferWriter<byte> line)
    {
        if (line.Capacity <= 16384)
        {
            line.ResetWrittenCount();
            buffer = line;
        }
    }

    /// <summary>Builds the text of one line; control characters become <c>?</c>, as Postfix prints them.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct LogText
    {
        private static readonly SearchValues<byte> Unprintable = SearchValues.Create(
            [.. Enumerable.Range(0, 32).Select(b => (byte)b), 127]);

        internal readonly ArrayBufferWriter<byte> Line;

        public LogText(int literalLength, int formattedCount)
        {
            _ = literalLength + formattedCount;
            Line = Rent();
        }

        public static implicit operator LogText(string text)
        {
            var result = new LogText(text.Length, 0);
            result.AppendFormatted(text);
            return result;
        }

        public void AppendLiteral(string text) => Encoding.UTF8.GetBytes(text, Line);

        public void AppendFormatted(string? text) => AppendFormatted(text.AsSpan());

        public void AppendFormatted(ReadOnlySpan<char> text)
        {
            var start = Line.WrittenCount;
            Encoding.UTF8.GetBytes(text, Line);
            Clean(start);
        }

        public void AppendFormatted(ReadOnlySpan<byte> utf8)
        {
            var start = Line.WrittenCount;
            Line.Write(utf8);
            Clean(start);
        }

        public void AppendFormatted<T>(T value, string? format = null)
        {
            // The cast in the call, not a pattern variable: so a struct is not boxed.
            if (value is IUtf8SpanFormattable)
            {
                var size = 64;
                int written;
                while (!((IUtf8SpanFormattable)value).TryFormat(Line.GetSpan(size), out written, format, null))
                {
                    size *= 2;
                }

                Line.Advance(written);
            }
            else
            {
                AppendFormatted(value is IFormattable f ? f.ToString(format, null) : value?.ToString());
            }
        }

        private void Clean(int start)
        {
            var span = System.Runtime.InteropServices.MemoryMarshal.AsMemory(Line.WrittenMemory).Span[start..];
            for (int at; (at = span.IndexOfAny(Unprintable)) >= 0; span = span[(at + 1)..])
            {
                span[at] = (byte)'?';
            }
        }
    }
}
