using System.Buffers;
using Mta.Core.Smtp;
using Mta.Services.Net;

namespace Mta.Services.Smtp;

/// <summary>
/// Sends message content: encoded into a pooled buffer, which goes out when it is full and with the final dot. A message that fits is
/// one system call. One serves a connection.
/// </summary>
internal sealed class BodyWriter(SocketConnection connection)
{
    /// <summary>Large messages go out in pieces of this size.</summary>
    private const int LargestBuffer = 128 * 1024;

    /// <summary>The end of the last line, and the dot.</summary>
    private const int RoomForEnd = 8;

    private byte[] buffer = [];
    private DataEncoder encoder;
    private int length;
    private TimeSpan limit;

    /// <summary>A line was broken because it was too long.</summary>
    public bool Folded => encoder.Folded;

    /// <summary>Begins a message.</summary>
    /// <param name="size">Bytes of content.</param>
    /// <param name="timeLimit">For each piece.</param>
    public void Begin(long size, int lineLimit, TimeSpan timeLimit)
    {
        // Line ends grow by a byte each; with lines of 16 bytes or more all fits.
        var wanted = (int)Math.Min(LargestBuffer, size + (size / 16) + 512);
        buffer = ArrayPool<byte>.Shared.Rent(wanted);
        encoder = new DataEncoder(lineLimit);
        length = 0;
        limit = timeLimit;
    }

    /// <summary>Takes a piece of content; false when the peer is gone or has replied already.</summary>
    public async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        while (true)
        {
            content = content[Encode(content.Span)..];
            if (content.IsEmpty)
            {
                return true;
            }

            if (!await FlushAsync(cancellationToken).ConfigureAwait(false) || connection.HasInput)
            {
                return false;
            }
        }
    }

    /// <summary>Ends the message (RFC 5321 section 4.1.1.4); false when the peer is gone.</summary>
    public ValueTask<bool> EndAsync(CancellationToken cancellationToken)
    {
        var end = encoder.AtLineStart ? ".\r\n"u8 : "\r\n.\r\n"u8;
        end.CopyTo(buffer.AsSpan(length));
        length += end.Length;
        return FlushAsync(cancellationToken);
    }

    /// <summary>Gives the buffer back, whatever became of the message.</summary>
    public void Release()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private int Encode(ReadOnlySpan<byte> content)
    {
        var (consumed, written) = encoder.Encode(content, buffer.AsSpan(length, buffer.Length - length - RoomForEnd));
        length += written;
        return consumed;
    }

    private ValueTask<bool> FlushAsync(CancellationToken cancellationToken)
    {
        connection.SetDeadline(limit);
        var bytes = buffer.AsMemory(0, length);
        length = 0;
        return connection.SendAsync(bytes, cancellationToken);
    }
}
