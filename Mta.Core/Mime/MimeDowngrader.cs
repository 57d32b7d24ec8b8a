using System.Buffers;

namespace Mta.Core.Mime;

/// <summary>
/// Converts content for a server without 8BITMIME (RFC 6152 section 3): parts that claim 8bit or binary become quoted-printable,
/// multiparts and messages that claim so become 7bit, all else passes unchanged. Content streams through, cut anywhere, with LF ends.
/// As with Postfix, 8-bit text that claims nothing is not touched: nobody could tell its reader what was done to it.
/// </summary>
public sealed class MimeDowngrader : ILineReader
{
    private readonly int nestingLimit;
    private readonly LineSplitter splitter = new();
    private readonly EntityHeader header = new();
    private readonly QuotedPrintableEncoder encoder = new();
    private readonly List<(byte[] Boundary, bool Digest)> multiparts = [];
    private IBufferWriter<byte> output = new ArrayBufferWriter<byte>();
    private State state = State.HeaderStart;
    private bool encode;

    /// <param name="nestingLimit">Multiparts within multiparts beyond this are not looked into (mime_nesting_limit).</param>
    public MimeDowngrader(int nestingLimit)
    {
        this.nestingLimit = nestingLimit;
        header.Begin(ContentType.Text);
    }

    private static ReadOnlySpan<byte> ClaimName => "Content-Transfer-Encoding: "u8;

    private enum State
    {
        /// <summary>The next line is the first of a header.</summary>
        HeaderStart,
        Header,
        Body,
    }

    /// <summary>A field, without its line end, as a conversion writes it.</summary>
    internal static bool IsClaim(ReadOnlySpan<byte> field) =>
        field.StartsWith(ClaimName)
        && (field[ClaimName.Length..].SequenceEqual("quoted-printable"u8)
            || field[ClaimName.Length..].SequenceEqual("7bit"u8)
            || field[ClaimName.Length..].SequenceEqual("8bit"u8)
            || field[ClaimName.Length..].SequenceEqual("binary"u8));

    /// <summary>Takes the next piece of content.</summary>
    public void Write(ReadOnlySpan<byte> content, IBufferWriter<byte> to)
    {
        output = to;
        splitter.Write(content, this);
    }

    /// <summary>The content has ended.</summary>
    public void Complete(IBufferWriter<byte> to)
    {
        output = to;
        splitter.Complete(this);
        if (state != State.Body)
        {
            EndHeader();
        }
        else if (encode)
        {
            encoder.EndLine(output);
        }
    }

    void ILineReader.Line(ReadOnlySpan<byte> piece, bool starts, bool ends)
    {
        if (starts && piece.StartsWith("--"u8) && Boundary(piece))
        {
            Copy(piece, ends);
            return;
        }

        if (state != State.Body)
        {
            HeaderLine(piece, starts, ends);
        }
        else
        {
            BodyLine(piece, ends);
        }
    }

    private void HeaderLine(ReadOnlySpan<byte> piece, bool starts, bool ends)
    {
        if (!starts)
        {
            header.Line(piece, starts, ends, output);
            return;
        }

        if (piece.TrimEnd((byte)'\r').IsEmpty)
        {
            EndHeader();
            Copy(piece, ends);
        }
        else if (EntityHeader.IsHeaderLine(piece, state == State.HeaderStart))
        {
            state = State.Header;
            header.Line(piece, starts, ends, output);
        }
        else
        {
            // Text without the empty line: a header written after it would be read as text, so the empty line is supplied.
            EndHeader();
            if (encode)
            {
                output.Write("\n"u8);
            }

            if (piece.StartsWith("--"u8) && Boundary(piece))
            {
                Copy(piece, ends);
            }
            else
            {
                state = State.Body;
                BodyLine(piece, ends);
            }
        }
    }

    private void BodyLine(ReadOnlySpan<byte> piece, bool ends)
    {
        if (!encode)
        {
            Copy(piece, ends);
            return;
        }

        encoder.Write(piece, output);
        if (ends)
        {
            encoder.EndLine(output);
            output.Write("\n"u8);
        }
    }

    private void EndHeader()
    {
        header.EndField(output);
        state = State.Body;
        encode = false;
        var type = header.Type;
        var composite = !header.ClaimsEncoded;
        if (composite && type.Type == "multipart" && type.Boundary is not null && multiparts.Count < nestingLimit)
        {
            multiparts.Add((type.Boundary, type.Subtype == "digest"));
            Claim("7bit"u8);
        }
        else if (composite && type.Type == "message" && type.Subtype is "rfc822" or "global")
        {
            Claim("7bit"u8);
            state = State.HeaderStart;
            header.Begin(ContentType.Text);
        }
        else if (type.Type == "multipart" || (type.Type == "message" && type.Subtype is "partial" or "external-body"))
        {
            // RFC 2045 section 6.4 allows no encoding here; what cannot be converted keeps its claim.
            Claim(header.Encoding == "binary" ? "binary"u8 : "8bit"u8);
        }
        else
        {
            encode = header.ClaimsEightBit;
            Claim("quoted-printable"u8);
        }
    }

    private void Claim(ReadOnlySpan<byte> encoding)
    {
        if (header.ClaimsEightBit)
        {
            output.Write(ClaimName);
            output.Write(encoding);
            output.Write("\n"u8);
        }
    }

    /// <summary>RFC 2046 section 5.1.2: a boundary of any multipart that is open ends all that is within it.</summary>
    private bool Boundary(ReadOnlySpan<byte> line)
    {
        for (var i = multiparts.Count - 1; i >= 0; i--)
        {
            var (boundary, digest) = multiparts[i];
            if (!line[2..].StartsWith(boundary))
            {
                continue;
            }

            var rest = line[(2 + boundary.Length)..];
            var closes = rest.StartsWith("--"u8);
            if (!(closes ? rest[2..] : rest).Trim(" \t\r"u8).IsEmpty && !closes)
            {
                continue;
            }

            if (state != State.Body)
            {
                EndHeader();
            }

            multiparts.RemoveRange(closes ? i : i + 1, multiparts.Count - (closes ? i : i + 1));
            encode = false;
            state = closes ? State.Body : State.HeaderStart;
            header.Begin(digest ? ContentType.Message : ContentType.Text);
            return true;
        }

        return false;
    }

    private void Copy(ReadOnlySpan<byte> piece, bool ends)
    {
        output.Write(piece);
        if (ends)
        {
            output.Write("\n"u8);
        }
    }
}
