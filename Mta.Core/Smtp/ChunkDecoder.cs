namespace Mta.Core.Smtp;

/// <summary>
/// Turns the chunks of BDAT (RFC 3030) into content: CRLF becomes LF, nothing else. Works in place like <see cref="DataDecoder"/>.
/// </summary>
public struct ChunkDecoder
{
    private const byte Lf = (byte)'\n';
    private const byte Cr = (byte)'\r';

    private bool heldCr;
    private bool lineOpen;

    /// <summary>A line end without CR was seen.</summary>
    public bool SawBareLf { get; private set; }

    /// <summary>The content so far does not end with a line end.</summary>
    public readonly bool EndsInsideLine => lineOpen || heldCr;

    /// <summary>A CR at the end of what was read so far has not been written: the next byte, or the end, decides what it is.</summary>
    public readonly bool HoldsCr => heldCr;

    /// <summary>
    /// Converts all of <paramref name="buffer"/>, whose first byte is free and whose content begins at 1: a CR that was held may need it.
    /// </summary>
    /// <returns>How many bytes from the start of the buffer are content now.</returns>
    public int Decode(Span<byte> buffer)
    {
        var at = 1;
        var written = 0;
        if (heldCr && buffer.Length > 1 && buffer[1] != Lf)
        {
            buffer[written++] = Cr;
        }

        var afterCr = heldCr;
        heldCr = buffer.Length > 1 ? false : heldCr;
        while (at < buffer.Length)
        {
            var rest = buffer[at..];
            var newline = rest.IndexOf(Lf);
            if (newline < 0)
            {
                heldCr = rest[^1] == Cr;
                var part = heldCr ? rest[..^1] : rest;
                part.CopyTo(buffer[written..]);
                lineOpen = true;
                return written + part.Length;
            }

            var crlf = newline > 0 ? rest[newline - 1] == Cr : afterCr;
            SawBareLf |= !crlf;
            var length = crlf && newline > 0 ? newline - 1 : newline;
            rest[..length].CopyTo(buffer[written..]);
            written += length;
            buffer[written++] = Lf;
            at += newline + 1;
            afterCr = false;
            lineOpen = false;
        }

        return written;
    }
}
