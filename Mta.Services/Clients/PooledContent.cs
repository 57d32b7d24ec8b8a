using System.Buffers;

namespace Mta.Services.Clients;

/// <summary>
/// Bytes of a message in memory of the pool. One owner at a time: whoever it was handed to releases it, once, and nobody reads it afterwards.
/// </summary>
public sealed class PooledContent : IDisposable
{
    private byte[]? buffer;

    /// <param name="rented">An array of <see cref="ArrayPool{T}.Shared"/>; it goes back there.</param>
    public PooledContent(byte[] rented, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, rented.Length);
        buffer = rented;
        Length = length;
    }

    public int Length { get; }

    public ReadOnlyMemory<byte> Memory => (buffer ?? throw new ObjectDisposedException(nameof(PooledContent))).AsMemory(0, Length);

    public static PooledContent CopyOf(ReadOnlySpan<byte> content)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Math.Max(content.Length, 1));
        content.CopyTo(rented);
        return new PooledContent(rented, content.Length);
    }

    /// <summary>Leaves the memory to whoever still reads it: it does not go back to the pool.</summary>
    public void Abandon() => Interlocked.Exchange(ref buffer, null);

    /// <summary>Gives the memory back; the second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref buffer, null) is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
