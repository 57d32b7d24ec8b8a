namespace Mta.Services.Mailbox;

/// <summary>
/// Puts <c>&gt;</c> before lines that begin with "From ", which in an mbox begin the next message. Parts may be cut anywhere.
/// </summary>
internal sealed class FromQuoter(FileAppender appender) : ContentReader.ISink
{
    // How much of "From " the current line has begun with; -1 in the middle of a line.
    private int matched;

    private static ReadOnlySpan<byte> Marker => "From "u8;

    public void Write(ReadOnlySpan<byte> part)
    {
        while (!part.IsEmpty)
        {
            if (matched >= 0 && !MatchMarker(ref part))
            {
                return;
            }

            var at = part.IndexOf("\nF"u8);
            if (at < 0)
            {
                appender.Write(part);
                matched = part[^1] == (byte)'\n' ? 0 : -1;
                return;
            }

            appender.Write(part[..(at + 1)]);
            part = part[(at + 1)..];
            matched = 0;
        }
    }

    /// <summary>Ends the message: a last line without its end gets one, and an empty line follows.</summary>
    public void Finish()
    {
        if (matched > 0)
        {
            appender.Write(Marker[..matched]);
        }

        appender.Write(matched == 0 ? "\n"u8 : "\n\n"u8);
    }

    // False when the part ended before it is known whether the line begins so.
    private bool MatchMarker(ref ReadOnlySpan<byte> part)
    {
        while (matched < Marker.Length && !part.IsEmpty && part[0] == Marker[matched])
        {
            matched++;
            part = part[1..];
        }

        if (matched < Marker.Length && part.IsEmpty)
        {
            return false;
        }

        if (matched == Marker.Length)
        {
            appender.Write(">"u8);
        }

        appender.Write(Marker[..matched]);
        matched = -1;
        return !part.IsEmpty;
    }
}
