using System.Buffers.Binary;
using System.Text;

namespace Mta.Services.Mailbox;

/// <summary>What the two sides of a delivery child say to each other.</summary>
internal enum FrameKind : byte
{
    /// <summary>To the child: an order, with its content or the announcement that it will come in parts.</summary>
    Deliver = 1,
    /// <summary>To the child: a part of the content.</summary>
    Content = 2,
    /// <summary>To the child: that was all of it.</summary>
    End = 3,
    /// <summary>To the child: the content cannot be had; the delivery is to be undone.</summary>
    Abort = 4,
    /// <summary>From the child: the mailbox is open and locked, the content may come.</summary>
    Ready = 5,
    /// <summary>From the child: the result.</summary>
    Done = 6,
}

/// <summary>One frame: length of the payload (4 bytes, little endian), kind (1), number of the delivery (4), payload.</summary>
internal readonly record struct DeliveryFrame(FrameKind Kind, uint Id, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Content up to this size travels with its order, so that a usual delivery is one frame there and one back.</summary>
    public const int InlineContent = 256 * 1024;

    /// <summary>Content in parts: below the size from which arrays are collected seldom.</summary>
    public const int PartSize = 64 * 1024;

    private const int HeaderSize = 9;
    private const int LimitOfPayload = 1024 * 1024;

    /// <summary>The next frame; null at the end of the stream. Throws <see cref="IOException"/> for what is no frame.</summary>
    public static async ValueTask<DeliveryFrame?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var header = new byte[HeaderSize];
        var read = await stream.ReadAtLeastAsync(header, HeaderSize, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read == 0)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        var kind = (FrameKind)header[4];
        if (read < HeaderSize || length is < 0 or > LimitOfPayload || kind is < FrameKind.Deliver or > FrameKind.Done)
        {
            throw new IOException("malformed frame");
        }

        var payload = new byte[length];
        await stream.ReadExactlyAsync(payload, cancellationToken).ConfigureAwait(false);
        return new DeliveryFrame(kind, BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(5)), payload);
    }

    /// <summary>Writes the frame at once; the caller sees to it that only one writes at a time.</summary>
    public async ValueTask WriteAsync(Stream stream, CancellationToken cancellationToken)
    {
        var bytes = new byte[HeaderSize + Payload.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Payload.Length);
        bytes[4] = (byte)Kind;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(5), Id);
        Payload.Span.CopyTo(bytes.AsSpan(HeaderSize));
        await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <param name="content">The content that goes along; null when it comes in parts.</param>
    public static DeliveryFrame ForOrder(uint id, MailboxOrder order, long contentLength, ReadOnlyMemory<byte>? content)
    {
        using var memory = new MemoryStream();
        using (var writer = new BinaryWriter(memory, Encoding.UTF8))
        {
            writer.Write(order.Path);
            writer.Write(order.Uid);
            writer.Write(order.Gid);
            writer.Write(order.Sender);
            writer.Write(order.Headers);
            writer.Write((byte)order.Locks);
            writer.Write(order.LockAttempts);
            writer.Write(order.LockDelay.Ticks);
            writer.Write(order.StaleLockTime.Ticks);
            writer.Write(order.SizeLimit);
            writer.Write(order.StrictOwnership);
            writer.Write(contentLength);
            writer.Write(content is not null);
            if (content is { } bytes)
            {
                writer.Write(bytes.Span);
            }
        }

        return new DeliveryFrame(FrameKind.Deliver, id, memory.ToArray());
    }

    public (MailboxOrder Order, long ContentLength, ReadOnlyMemory<byte>? Content) ReadOrder()
    {
        using var memory = new MemoryStream(Payload.ToArray());
        using var reader = new BinaryReader(memory, Encoding.UTF8);
        var order = new MailboxOrder
        {
            Path = reader.ReadString(),
            Uid = reader.ReadUInt32(),
            Gid = reader.ReadUInt32(),
            Sender = reader.ReadString(),
            Headers = reader.ReadString(),
            Locks = (MailboxLocks)reader.ReadByte(),
            LockAttempts = reader.ReadInt32(),
            LockDelay = TimeSpan.FromTicks(reader.ReadInt64()),
            StaleLockTime = TimeSpan.FromTicks(reader.ReadInt64()),
            SizeLimit = reader.ReadInt64(),
            StrictOwnership = reader.ReadBoolean(),
        };
        var length = reader.ReadInt64();
        return (order, length, reader.ReadBoolean() ? Payload[(int)memory.Position..] : (ReadOnlyMemory<byte>?)null);
    }

    public static DeliveryFrame ForResult(uint id, MailboxResult result)
    {
        using var memory = new MemoryStream();
        using (var writer = new BinaryWriter(memory, Encoding.UTF8))
        {
            writer.Write(result.Dsn);
            writer.Write(result.Reason);
            writer.Write(result.Warning ?? "");
        }

        return new DeliveryFrame(FrameKind.Done, id, memory.ToArray());
    }

    /// <summary>The result; throws <see cref="IOException"/> for what is none. A child runs as someone else and is not trusted.</summary>
    public MailboxResult ReadResult()
    {
        using var memory = new MemoryStream(Payload.ToArray());
        using var reader = new BinaryReader(memory, Encoding.UTF8);
        try
        {
            var dsn = reader.ReadString();
            var reason = reader.ReadString();
            var warning = reader.ReadString();
            return dsn.Length == 5 && dsn[0] is '2' or '4' or '5' && dsn[1] == '.' && dsn[3] == '.' && char.IsAsciiDigit(dsn[2]) && char.IsAsciiDigit(dsn[4])
                ? new MailboxResult(dsn, reason, warning.Length == 0 ? null : warning)
                : throw new IOException("malformed result");
        }
        catch (Exception malformed) when (malformed is FormatException or EndOfStreamException)
        {
            throw new IOException("malformed result", malformed);
        }
    }
}
