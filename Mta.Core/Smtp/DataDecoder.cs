namespace Mta.Core.Smtp;

/// <summary>What a bare LF means to the reader of a message (smtpd_forbid_bare_newline).</summary>
public enum BareNewline : byte
{
    /// <summary>A line end like any other, also around the final dot.</summary>
    Allow,
    /// <summary>A line end, but the message ends at CRLF.CRLF only.</summary>
    Normalize,
}

/// <summary>
/// Turns what follows DATA into content: CRLF becomes LF, the dot before a line's first dot goes (RFC 5321 section 4.5.2).
/// It works in place, so that a network buffer is read, converted and handed on without a second buffer.
/// </summary>
public struct DataDecoder(BareNewline bareNewline)
{
    private const byte Dot = (byte)'.';
    private const byte Lf = (byte)'\n';
    private const byte Cr = (byte)'\r';

    private readonly bool strict = bareNewline == BareNewline.Normalize;
    private bool midLine;
    private bool afterBareLf;

    /// <summary>The final dot was read.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>A line end without CR was seen.</summary>
    public bool SawBareLf { get; private set; }

    /// <summary>Line ends so far. The size of the message on the wire is its content and one byte for each of these.</summary>
    public long Lines { get; private set; }

    /// <summary>The next byte of content begins a line.</summary>
    public readonly bool AtLineStart => !midLine;

    /// <summary>
    /// Converts the start of <paramref name="buffer"/>. Afterwards its first <paramref name="written"/> bytes are content; the bytes from
    /// <paramref name="consumed"/> on are untouched, and when the message is not complete they have to come again with more behind them.
    /// </summary>
    public void Decode(Span<byte> buffer, out int consumed, out int written)
    {
        consumed = 0;
        written = 0;
        while (consumed < buffer.Length)
        {
            var rest = buffer[consumed..];
            if (!midLine && rest[0] == Dot && !TakeDot(rest, ref consumed, out rest))
            {
                return;
            }

            var newline = rest.IndexOf(Lf);
            if (newline < 0)
            {
                // A CR at the end may be half of a line end.
                var part = rest.Length > 0 && rest[^1] == Cr ? rest[..^1] : rest;
                part.CopyTo(buffer[written..]);
                written += part.Length;
                consumed += part.Length;
                midLine |= part.Length > 0;
                return;
            }

            afterBareLf = newline == 0 || rest[newline - 1] != Cr;
            SawBareLf |= afterBareLf;
            var length = afterBareLf ? newline : newline - 1;
            rest[..length].CopyTo(buffer[written..]);
            written += length;
            buffer[written++] = Lf;
            consumed += newline + 1;
            Lines++;
            midLine = false;
        }
    }

    // At a dot that begins a line. False: the message ended, or more bytes are needed to tell. True: the line's content begins at rest.
    private bool TakeDot(Span<byte> line, scoped ref int consumed, out Span<byte> rest)
    {
        rest = line;
        if (line.Length < 2 || (line[1] == Cr && line.Length < 3))
        {
            return false;
        }

        var crlf = line[1] == Cr && line[2] == Lf;
        var bare = line[1] == Lf;
        if (crlf || bare)
        {
            SawBareLf |= bare;
            if (!strict || (crlf && !afterBareLf))
            {
                IsComplete = true;
                consumed += crlf ? 3 : 2;
                return false;
            }

            // A lone dot with a bare LF before or after it is content: what some servers take for the end of a message must not be one
            // here.
            return true;
        }

        rest = line[1..];
        consumed++;
        midLine = true;
        return true;
    }
}
