using System.Buffers;
using System.Text;
using Mta.Services.Clients;

namespace Mta.Services.Cleanup;

/// <summary>Pooled memory that content gathers in; what is in it can be cut off at the front, when it has been stored.</summary>
internal struct ContentBuffer
{
    private const int FirstSize = 8192;

    private byte[]? buffer;

    public int Length { get; private set; }

    public readonly ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, Length);

    /// <summary>The last <paramref name="count"/> bytes, to be changed in place.</summary>
    public readonly Span<byte> Last(int count) => buffer.AsSpan(Length - count, count);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    public void Write(byte value)
    {
        Room(1)[0] = value;
        Length++;
    }

    /// <summary>Writes text as UTF-8 and returns its length in bytes.</summary>
    public int Write(string text)
    {
        var written = Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));
        Length += written;
        return written;
    }

    public void RemoveFirst(int count)
    {
        Length -= count;
        Buffer.BlockCopy(buffer!, count, buffer!, 0, Length);
    }

    /// <summary>Takes the last <paramref name="count"/> bytes back.</summary>
    public void RemoveLast(int count) => Length -= count;

    /// <summary>Hands the memory over; the buffer is empty afterwards.</summary>
    public PooledContent Detach()
    {
        var content = new PooledContent(buffer ?? ArrayPool<byte>.Shared.Rent(1), Length);
        (buffer, Length) = (null, 0);
        return content;
    }

    public void Release()
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        (buffer, Length) = (null, 0);
    }

    private Span<byte> Room(int count)
    {
        if (buffer is null || buffer.Length - Length < count)
        {
            Grow(count);
        }

        return buffer.AsSpan(Length);
    }

    private void Grow(int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(FirstSize, Length * 2), Length + count));
        buffer.AsSpan(0, Length).CopyTo(larger);
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        buffer = larger;
    }
}
