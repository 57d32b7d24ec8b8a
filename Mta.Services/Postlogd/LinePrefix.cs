using System.Globalization;
using System.Text;

namespace Mta.Services.Postlogd;

/// <summary>
/// What a line begins with: <c>Mon dd hh:mm:ss host postfix/smtpd[pid]: </c> (RFC 3164, which log analysers of Postfix read), in local
/// time. The time is formatted once a second. Not safe for threads; its sink has a lock.
/// </summary>
internal sealed class LinePrefix(TimeProvider time, string syslogName, string? host, int processId)
{
    private readonly byte[] name = Encoding.UTF8.GetBytes(syslogName + "/");
    private readonly byte[] afterTag = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"[{processId}]: "));
    private byte[] stamp = [];
    private long stampSecond = long.MinValue;

    /// <summary>The most bytes that a prefix of this tag can have.</summary>
    public int MaxLength(string tag) => stamp.Length + 300 + name.Length + (tag.Length * 3) + afterTag.Length;

    /// <summary>Writes the prefix and returns its length.</summary>
    public int Write(string tag, Span<byte> destination)
    {
        var now = time.GetUtcNow();
        var second = now.Ticks / TimeSpan.TicksPerSecond;
        if (second != stampSecond)
        {
            stampSecond = second;
            stamp = Stamp(TimeZoneInfo.ConvertTime(now, time.LocalTimeZone));
        }

        stamp.CopyTo(destination);
        var length = stamp.Length;
        name.CopyTo(destination[length..]);
        length += name.Length;
        length += Encoding.UTF8.GetBytes(tag, destination[length..]);
        afterTag.CopyTo(destination[length..]);
        return length + afterTag.Length;
    }

    // The day is padded with a space: "Jan  5".
    private byte[] Stamp(DateTimeOffset local)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{local:MMM} {local.Day,2} {local:HH:mm:ss} ");
        return Encoding.UTF8.GetBytes(host is null ? text : text + host + " ");
    }
}
