using System.Buffers;

namespace Mta.Core.Headers;

/// <summary>Takes the header fields of a message as they become complete.</summary>
public interface IHeaderSink
{
    /// <summary>A field with its folded lines, without the line end at its end.</summary>
    /// <param name="nameLength">The bytes of the name; white space may stand between it and the colon.</param>
    void Header(ReadOnlySpan<byte> header, int nameLength, int colon);
}

/// <summary>
/// Cuts the header of a message into fields, whatever way its bytes are cut themselves. Fields that come whole are not copied.
/// The header ends at an empty line, or at a line that is no field.
/// </summary>
/// <param name="sizeLimit">header_size_limit: what a field has above it is dropped.</param>
public struct HeaderSplitter(int sizeLimit)
{
    private const byte Lf = (byte)'\n';

    private byte[]? kept;
    private int keptLength;

    /// <summary>Bytes of the field at hand in which its end was not found.</summary>
    private int scanned;

    /// <summary>The field at hand is longer than the limit: its rest is dropped.</summary>
    private bool overlong;

    /// <summary>The last byte seen of an overlong field was a line end.</summary>
    private bool lineEnded;

    /// <summary>The header is over. The body is <see cref="Kept"/>, and then what <see cref="Take"/> left.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>With <see cref="HasEnded"/>: no empty line ended the header, the body begins at a line that is no field.</summary>
    public bool LacksEmptyLine { get; private set; }

    /// <summary>Bytes that wait for the end of their field; bytes of the body when the header is over.</summary>
    public readonly ReadOnlySpan<byte> Kept => kept.AsSpan(0, keptLength);

    /// <summary>Takes the next bytes of the message, and returns how many; all, unless the header has ended.</summary>
    public int Take(ReadOnlySpan<byte> input, IHeaderSink sink)
    {
        if (overlong)
        {
            var skipped = SkipOverlong(input, sink);
            return overlong ? skipped : skipped + Take(input[skipped..], sink);
        }

        var before = keptLength;
        if (before > 0)
        {
            Keep(input);
        }

        var consumed = Split(before > 0 ? Kept : input, sink);
        if (HasEnded)
        {
            DropKept(Math.Min(consumed, before));
            keptLength = Math.Max(0, before - consumed);
            return Math.Max(0, consumed - before);
        }

        if (before > 0)
        {
            DropKept(consumed);
        }
        else
        {
            Keep(input[consumed..]);
        }

        BoundKept();
        return input.Length;
    }

    /// <summary>The message ends within its header: what was kept is the last field, or the body when it is none.</summary>
    public void Finish(IHeaderSink sink)
    {
        if (!HasEnded && keptLength > 0 && !Emit(!overlong && Kept is [.. var line, Lf] ? line : Kept, sink))
        {
            return;
        }

        keptLength = HasEnded ? keptLength : 0;
        overlong = false;
    }

    public void Release()
    {
        if (kept is not null)
        {
            ArrayPool<byte>.Shared.Return(kept);
            kept = null;
            keptLength = 0;
        }
    }

    /// <summary>Hands out the fields that are complete and returns the bytes they took.</summary>
    private int Split(ReadOnlySpan<byte> input, IHeaderSink sink)
    {
        var at = 0;
        while (at < input.Length)
        {
            if (input[at] == Lf)
            {
                HasEnded = true;
                return at;
            }

            if (!TryFindEnd(input[at..], out var end) || !Emit(input.Slice(at, end), sink))
            {
                return at;
            }

            at += end + 1;
            scanned = 0;
        }

        return at;
    }

    /// <summary>Hands out one field; a line that is none ends the header.</summary>
    private bool Emit(ReadOnlySpan<byte> header, IHeaderSink sink)
    {
        header = header[..HeaderSyntax.CutLength(header, sizeLimit)];
        var nameLength = NameLength(header, out var colon);
        if (nameLength == 0)
        {
            HasEnded = true;
            LacksEmptyLine = true;
            return false;
        }

        sink.Header(header, nameLength, colon);
        return true;
    }

    private readonly int NameLength(ReadOnlySpan<byte> header, out int colon)
    {
        // The colon has to come within the limit, or else it would matter how the bytes are cut.
        header = header[..Math.Min(header.Length, sizeLimit)];
        var end = header.IndexOf(Lf);
        return HeaderSyntax.NameLength(end < 0 ? header : header[..end], out colon);
    }

    /// <summary>The end of a field is a line end before something that is no white space; so it takes one byte more to see it.</summary>
    private bool TryFindEnd(ReadOnlySpan<byte> rest, out int end)
    {
        while (true)
        {
            var found = rest[scanned..].IndexOf(Lf);
            end = scanned + found;
            if (found < 0 || end + 1 == rest.Length)
            {
                scanned = found < 0 ? rest.Length : end;
                return false;
            }

            if (rest[end + 1] is not ((byte)' ' or (byte)'\t'))
            {
                return true;
            }

            scanned = end + 1;
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        if (kept is null || kept.Length - keptLength < bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(1024, Math.Max(keptLength * 2, keptLength + bytes.Length)));
            Kept.CopyTo(larger);
            if (kept is not null)
            {
                ArrayPool<byte>.Shared.Return(kept);
            }

            kept = larger;
        }

        bytes.CopyTo(kept.AsSpan(keptLength));
        keptLength += bytes.Length;
    }

    private void DropKept(int count)
    {
        keptLength -= count;
        kept.AsSpan(count, keptLength).CopyTo(kept);
    }

    /// <summary>Keeps no more of a field than the limit, and nothing of what turns out to be none.</summary>
    private void BoundKept()
    {
        if (keptLength <= sizeLimit + 1)
        {
            return;
        }

        if (NameLength(Kept, out _) == 0)
        {
            HasEnded = true;
            LacksEmptyLine = true;
            return;
        }

        overlong = true;
        lineEnded = kept![keptLength - 1] == Lf;
        // One byte more shows that there was more.
        keptLength = sizeLimit + 1;
    }

    private int SkipOverlong(ReadOnlySpan<byte> input, IHeaderSink sink)
    {
        var at = 0;
        while (at < input.Length)
        {
            if (lineEnded && input[at] is not ((byte)' ' or (byte)'\t'))
            {
                Finish(sink);
                scanned = 0;
                break;
            }

            var end = input[at..].IndexOf(Lf);
            lineEnded = end >= 0;
            at = end < 0 ? input.Length : at + end + 1;
        }

        return at;
    }
}
