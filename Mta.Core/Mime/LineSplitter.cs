namespace Mta.Core.Mime;

/// <summary>Takes the lines of content that comes in pieces.</summary>
internal interface ILineReader
{
    /// <summary>A line without its end, or a piece of a long one.</summary>
    /// <param name="starts">The piece begins a line.</param>
    /// <param name="ends">An LF followed the piece.</param>
    void Line(ReadOnlySpan<byte> piece, bool starts, bool ends);
}

/// <summary>Cuts content into lines; what is longer than any header or boundary line goes on in pieces, so that memory stays bounded.</summary>
internal sealed class LineSplitter
{
    private const int LongestPiece = 4096;

    private readonly byte[] pending = new byte[LongestPiece];
    private int pendingLength;
    private bool midLine;

    public void Write(ReadOnlySpan<byte> content, ILineReader reader)
    {
        while (content.Length > 0)
        {
            var end = content.IndexOf((byte)'\n');
            if (end >= 0 && pendingLength == 0 && end <= LongestPiece)
            {
                Give(content[..end], ends: true, reader);
                content = content[(end + 1)..];
                continue;
            }

            var count = Math.Min(end < 0 ? content.Length : end, LongestPiece - pendingLength);
            content[..count].CopyTo(pending.AsSpan(pendingLength));
            pendingLength += count;
            content = content[count..];
            if (count == end)
            {
                content = content[1..];
                GivePending(ends: true, reader);
            }
            else if (pendingLength == LongestPiece)
            {
                GivePending(ends: false, reader);
            }
        }
    }

    /// <summary>Gives what the content ends with when that is no line end.</summary>
    public void Complete(ILineReader reader)
    {
        if (pendingLength > 0)
        {
            GivePending(ends: false, reader);
        }
    }

    private void GivePending(bool ends, ILineReader reader)
    {
        var length = pendingLength;
        pendingLength = 0;
        Give(pending.AsSpan(0, length), ends, reader);
    }

    private void Give(ReadOnlySpan<byte> piece, bool ends, ILineReader reader)
    {
        var starts = !midLine;
        midLine = !ends;
        reader.Line(piece, starts, ends);
    }
}
