using System.Buffers;

namespace Mta.Services.Smtpd;

/// <summary>
/// The one receive buffer of a session: commands are read in place, content is converted in place. The first byte is kept free for the
/// decoder of BDAT.
/// </summary>
internal sealed class ReceiveBuffer(int size) : IDisposable
{
    private const int Reserved = 1;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(size + Reserved);
    private int start = Reserved;
    private int end = Reserved;
    private int scanned = Reserved;

    /// <summary>What was received and not yet consumed. It may be written to.</summary>
    public Span<byte> Pending => buffer.AsSpan(start, end - start);

    /// <summary><see cref="Pending"/> with the free byte before it.</summary>
    public Span<byte> PendingWithReserve => buffer.AsSpan(start - Reserved, end - start + Reserved);

    public bool IsEmpty => start == end;

    /// <summary>
    /// Room for the next receive, after what is pending was moved to the front. Never empty while less than the size is pending.
    /// </summary>
    public Memory<byte> Room()
    {
        if (start == end)
        {
            start = end = scanned = Reserved;
        }
        else if (start > Reserved)
        {
            Buffer.BlockCopy(buffer, start, buffer, Reserved, end - start);
            end -= start - Reserved;
            scanned = Math.Max(Reserved, scanned - (start - Reserved));
            start = Reserved;
        }

        return buffer.AsMemory(end);
    }

    public void Received(int count) => end += count;

    public void Consume(int count)
    {
        start += count;
        scanned = Math.Max(scanned, start);
    }

    /// <summary>Forgets what was received: what came in plaintext after STARTTLS must not count as said inside TLS.</summary>
    public void Purge() => start = end = scanned = Reserved;

    /// <summary>Takes the next complete line. Its bytes stay valid until the next <see cref="Room"/>.</summary>
    /// <param name="line">Without its line end.</param>
    /// <param name="bareLf">The line ended with LF alone.</param>
    public bool TryTakeLine(out ReadOnlyMemory<byte> line, out bool bareLf)
    {
        var newline = buffer.AsSpan(scanned, end - scanned).IndexOf((byte)'\n');
        if (newline < 0)
        {
            scanned = end;
            line = default;
            bareLf = false;
            return false;
        }

        newline += scanned;
        bareLf = newline == start || buffer[newline - 1] != '\r';
        line = buffer.AsMemory(start, newline - start - (bareLf ? 0 : 1));
        start = scanned = newline + 1;
        return true;
    }

    public void Dispose()
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = [];
            start = end = scanned = 0;
        }
    }
}
