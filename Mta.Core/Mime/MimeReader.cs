using System.Buffers;
using Mta.Core.Headers;

namespace Mta.Core.Mime;

/// <summary>What comes next in a message.</summary>
public enum MimeItem : byte
{
    /// <summary>It takes more content to say; after <see cref="MimeReader.Complete"/>: nothing.</summary>
    None,
    /// <summary>A header field.</summary>
    Header,
    /// <summary>The message's own header is over; comes once, before the first piece of the body.</summary>
    HeaderEnd,
    /// <summary>A line of a body, or a piece of a long one; empty lines behind headers and boundary lines are such lines too.</summary>
    Body,
}

/// <summary>Which header a field stands in, as header_checks(5) divides them.</summary>
public enum HeaderClass : byte
{
    /// <summary>The message's own.</summary>
    Primary,
    /// <summary>Of a part of a multipart; and a MIME field wherever it stands.</summary>
    Mime,
    /// <summary>Of a message within the message.</summary>
    Nested,
}

/// <summary>
/// Walks through a message (RFC 2045, 2046) field by field and line by line, as its content comes in, cut anywhere, with LF ends. Memory is
/// bounded by the content appended, one header, and the boundaries of the multiparts that are open. What it gives, put together, is the
/// message, with an empty line supplied where the message's own header lacks it.
/// <para>
/// It is as liberal as Postfix, since whoever hides something hides it where readers differ: a line that begins with a boundary is one
/// whatever follows, all boundary parameters count, and encodings do not keep it from looking inside.
/// </para>
/// </summary>
public sealed class MimeReader(MimeOptions options)
{
    private const byte Lf = (byte)'\n';

    private readonly ArrayBufferWriter<byte> header = new(256);
    private readonly MimeStructure structure = new(options);
    private byte[] input = [];
    private int start;
    private int end;
    private int pieceLength;
    private bool pieceEnds;
    private bool midLine;
    private bool completed;
    private bool headerGiven;
    private bool primaryEnded;
    private long nextOffset;

    /// <summary>After <see cref="MimeItem.Header"/> the field with its folded lines, without its line end; after <see cref="MimeItem.Body"/> the piece. Valid until the next call.</summary>
    public ReadOnlyMemory<byte> Text { get; private set; }

    /// <summary>The piece of a body is the end of its line, and an LF followed or is supplied.</summary>
    public bool EndsLine { get; private set; }

    /// <summary>Where the field stands.</summary>
    public HeaderClass Class { get; private set; }

    /// <summary>
    /// The same of content that a <see cref="MimeDowngrader"/> wrote: Postfix counts an encoding that it has put in itself with the header
    /// in which it stands, not with the MIME fields.
    /// </summary>
    public HeaderClass ConvertedClass { get; private set; }

    /// <summary>Bytes before this piece in its segment: body_checks_size_limit counts from each boundary.</summary>
    public long Offset { get; private set; }

    /// <summary>The errors met so far.</summary>
    public MimeErrors Errors => structure.Errors;

    /// <summary>Errors met at this item for the first time, each with the text that shows it.</summary>
    public IReadOnlyList<(MimeErrors Error, byte[] Text)> NewErrors => structure.NewErrors;

    /// <summary>Content that waits for its line end.</summary>
    public int Waiting => end - start;

    /// <summary>Takes the next piece of content.</summary>
    public void Append(ReadOnlySpan<byte> content)
    {
        if (input.Length - end < content.Length)
        {
            var target = end - start + content.Length <= input.Length ? input : new byte[Math.Max(4096, Math.Max(input.Length * 2, end - start + content.Length))];
            input.AsSpan(start, end - start).CopyTo(target);
            (input, start, end) = (target, 0, end - start);
        }

        content.CopyTo(input.AsSpan(end));
        end += content.Length;
    }

    /// <summary>No more content comes.</summary>
    public void Complete() => completed = true;

    /// <summary>Goes on to the next item.</summary>
    public MimeItem Read()
    {
        structure.NewErrors.Clear();
        if (headerGiven)
        {
            header.ResetWrittenCount();
            headerGiven = false;
        }

        return structure.InBody ? ReadBody() : ReadHeader();
    }

    /// <summary>All content that waits, as it came; what is appended from now on is not read any more. To be called behind the end of a line.</summary>
    public ReadOnlySpan<byte> TakeRest()
    {
        var rest = input.AsSpan(start, end - start);
        start = end;
        return rest;
    }

    private MimeItem ReadHeader()
    {
        while (Peek(out var piece))
        {
            if (midLine && header.WrittenCount > 0)
            {
                Keep(piece, continues: false);
            }
            else if (header.WrittenCount > 0 && piece is [(byte)' ' or (byte)'\t', ..])
            {
                Keep(piece, continues: true);
            }
            else if (header.WrittenCount > 0)
            {
                return GiveHeader();
            }
            else if (HeaderSyntax.NameLength(piece, out var colon) is > 0 and var nameLength)
            {
                header.Write(piece[..nameLength]);
                header.Write(piece[colon..]);
                Consume();
            }
            else
            {
                return EndHeader(piece);
            }
        }

        if (!completed || header.WrittenCount > 0)
        {
            return completed ? GiveHeader() : MimeItem.None;
        }

        structure.CheckEncoding();
        return GiveHeaderEnd();
    }

    private MimeItem EndHeader(ReadOnlySpan<byte> piece)
    {
        if (!primaryEnded)
        {
            return GiveHeaderEnd();
        }

        structure.CheckEncoding();
        if (piece.IsEmpty)
        {
            structure.EndHeader();
            return GiveBody();
        }

        // Text glued to a header. Only the message's own gets the empty line that it lacks: without it, fields added would be text.
        if (structure.Class != HeaderClass.Primary)
        {
            structure.BreakHeader();
            return ReadBody();
        }

        structure.BreakHeader();
        (Text, EndsLine, Offset) = (default, true, nextOffset);
        nextOffset++;
        return MimeItem.Body;
    }

    private MimeItem ReadBody()
    {
        if (!Peek(out var piece))
        {
            return MimeItem.None;
        }

        if (midLine || !piece.StartsWith("--"u8) || !structure.TryBoundary(piece, out var closes))
        {
            structure.CheckBody(piece);
            return GiveBody();
        }

        // The segment that a boundary opens is counted from its end, the one behind the last boundary from its begin.
        nextOffset = closes ? 0 : nextOffset;
        var item = GiveBody();
        nextOffset = closes ? nextOffset : 0;
        return item;
    }

    private MimeItem GiveHeader()
    {
        Text = header.WrittenMemory[..HeaderSyntax.CutLength(header.WrittenSpan, options.HeaderSizeLimit)];
        Class = MimeStructure.IsMimeField(header.WrittenSpan) ? HeaderClass.Mime : structure.Class;
        ConvertedClass = MimeDowngrader.IsClaim(header.WrittenSpan) ? structure.Class : Class;
        structure.Field(header.WrittenSpan);
        headerGiven = true;
        return MimeItem.Header;
    }

    private MimeItem GiveHeaderEnd()
    {
        if (primaryEnded)
        {
            return MimeItem.None;
        }

        primaryEnded = true;
        return MimeItem.HeaderEnd;
    }

    private MimeItem GiveBody()
    {
        (Text, EndsLine, Offset) = (input.AsMemory(start, pieceLength), pieceEnds, nextOffset);
        nextOffset += pieceLength + 1;
        Consume();
        return MimeItem.Body;
    }

    private void Keep(ReadOnlySpan<byte> piece, bool continues)
    {
        // One byte more than is wanted shows that there was more.
        var room = options.HeaderSizeLimit + 1 - header.WrittenCount - (continues ? 1 : 0);
        if (room >= 0)
        {
            header.Write(continues ? "\n"u8 : []);
            header.Write(piece[..Math.Min(piece.Length, room)]);
        }

        Consume();
    }

    /// <summary>A line without its end, or as much of it as line_length_limit allows; false when it takes more content to say.</summary>
    private bool Peek(out ReadOnlySpan<byte> piece)
    {
        var available = input.AsSpan(start, end - start);
        var limit = options.LineLengthLimit;
        var found = available[..Math.Min(available.Length, limit)].IndexOf(Lf);
        pieceEnds = found >= 0;
        pieceLength = pieceEnds ? found : Math.Min(available.Length, limit);
        piece = available[..pieceLength];
        return pieceEnds || pieceLength == limit || (completed && pieceLength > 0);
    }

    private void Consume()
    {
        start += pieceLength + (pieceEnds ? 1 : 0);
        midLine = !pieceEnds;
        if (start == end)
        {
            (start, end) = (0, 0);
        }
    }
}
