namespace Mta.Core.Smtp;

/// <summary>
/// Turns content with LF line ends, cut anywhere, into what is sent after DATA: CRLF line ends, a dot before leading dots
/// (RFC 5321 section 4.5.2), and lines that are too long broken by CRLF and a space.
/// </summary>
/// <param name="lineLimit">The longest line in bytes without its end; 0 for no limit.</param>
public struct DataEncoder(int lineLimit)
{
    private int column;

    /// <summary>The last line is ended, so that the final dot may follow.</summary>
    public readonly bool AtLineStart => column == 0;

    /// <summary>A line was longer than the limit.</summary>
    public bool Folded { get; private set; }

    /// <summary>Encodes until the input is used up or the output has no room.</summary>
    public (int Consumed, int Written) Encode(ReadOnlySpan<byte> input, Span<byte> output)
    {
        var from = 0;
        var to = 0;
        while (from < input.Length)
        {
            if (column == 0 && input[from] == (byte)'.')
            {
                if (output.Length - to < 2)
                {
                    break;
                }

                output[to++] = (byte)'.';
                output[to++] = (byte)'.';
                from++;
                column = 1;
                continue;
            }

            var rest = input[from..];
            var end = rest.IndexOf((byte)'\n');
            var piece = end < 0 ? rest.Length : end;
            var fold = lineLimit > 0 && piece > lineLimit - column;
            if (fold)
            {
                piece = lineLimit - column;
            }

            var copied = Math.Min(piece, output.Length - to);
            rest[..copied].CopyTo(output[to..]);
            from += copied;
            to += copied;
            column += copied;
            if (copied < piece || output.Length - to < 3)
            {
                break;
            }

            if (fold)
            {
                output[to++] = (byte)'\r';
                output[to++] = (byte)'\n';
                output[to++] = (byte)' ';
                column = 1;
                Folded = true;
            }
            else if (end >= 0)
            {
                output[to++] = (byte)'\r';
                output[to++] = (byte)'\n';
                from++;
                column = 0;
            }
        }

        return (from, to);
    }
}
