using System.Buffers.Text;
using System.Text;

namespace Mta.Core.Smtp;

/// <summary>Extensions of a server that its client makes use of.</summary>
[Flags]
public enum PeerFeatures
{
    None = 0,
    /// <summary>RFC 2920.</summary>
    Pipelining = 1,
    /// <summary>RFC 1870.</summary>
    Size = 2,
    /// <summary>RFC 6152.</summary>
    EightBitMime = 4,
    /// <summary>RFC 6531.</summary>
    SmtpUtf8 = 8,
    /// <summary>RFC 3461.</summary>
    Dsn = 16,
    /// <summary>RFC 3207.</summary>
    StartTls = 32,
}

/// <summary>What a server says of itself in its reply to EHLO or LHLO (RFC 5321 section 4.1.1.1).</summary>
/// <param name="SizeLimit">The largest message it takes, in bytes; 0 when it names none.</param>
/// <param name="Name">The name it gives itself.</param>
public readonly record struct ReplyFeatures(PeerFeatures Features, long SizeLimit, string Name)
{
    /// <summary>Reads the lines of a reply with their codes, separated by LF.</summary>
    /// <param name="discarded">Keywords to overlook (smtp_discard_ehlo_keywords).</param>
    public static ReplyFeatures Parse(ReadOnlySpan<byte> lines, IReadOnlyList<string> discarded)
    {
        var result = default(ReplyFeatures);
        foreach (var range in lines.Split((byte)'\n'))
        {
            var line = lines[range];
            if (line.Length < 5)
            {
                continue;
            }

            var words = line[4..].Trim(" \t\r"u8);
            // Servers of old write SIZE=number.
            var end = words.IndexOfAny((byte)' ', (byte)'=');
            var keyword = end < 0 ? words : words[..end];
            if (range.Start.Value == 0)
            {
                result = result with { Name = Encoding.UTF8.GetString(keyword) };
                continue;
            }

            var feature = FeatureOf(keyword);
            if (feature == PeerFeatures.None || IsDiscarded(keyword, discarded))
            {
                continue;
            }

            result = result with { Features = result.Features | feature };
            if (feature == PeerFeatures.Size && end >= 0 && Utf8Parser.TryParse(words[(end + 1)..].TrimStart((byte)' '), out long limit, out _))
            {
                result = result with { SizeLimit = Math.Max(0, limit) };
            }
        }

        return result with { Name = result.Name ?? "" };
    }

    private static PeerFeatures FeatureOf(ReadOnlySpan<byte> keyword) =>
        Ascii.EqualsIgnoreCase(keyword, "PIPELINING"u8) ? PeerFeatures.Pipelining
        : Ascii.EqualsIgnoreCase(keyword, "SIZE"u8) ? PeerFeatures.Size
        : Ascii.EqualsIgnoreCase(keyword, "8BITMIME"u8) ? PeerFeatures.EightBitMime
        : Ascii.EqualsIgnoreCase(keyword, "SMTPUTF8"u8) ? PeerFeatures.SmtpUtf8
        : Ascii.EqualsIgnoreCase(keyword, "DSN"u8) ? PeerFeatures.Dsn
        : Ascii.EqualsIgnoreCase(keyword, "STARTTLS"u8) ? PeerFeatures.StartTls
        : PeerFeatures.None;

    private static bool IsDiscarded(ReadOnlySpan<byte> keyword, IReadOnlyList<string> discarded)
    {
        foreach (var word in discarded)
        {
            if (Ascii.EqualsIgnoreCase(keyword, word))
            {
                return true;
            }
        }

        return false;
    }
}
