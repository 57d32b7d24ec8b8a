using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Mta.Services.Clients;

namespace Mta.Services.Mailbox;

/// <summary>Content that came with its order, or that is asked for once the mailbox is open and then comes in parts.</summary>
internal sealed class ArrivingContent(long length, ReadOnlyMemory<byte>? inline, Func<CancellationToken, ValueTask> ask) : IMessageContent
{
    // The disk is to be busy while the next parts come, no more than that: 512 KB.
    private const int PartsAhead = 8;

    private readonly Channel<ReadOnlyMemory<byte>> parts = Channel.CreateBounded<ReadOnlyMemory<byte>>(
        new BoundedChannelOptions(PartsAhead) { SingleReader = true, SingleWriter = true });

    public long Length => length;

    public bool TryGetBytes(out ReadOnlyMemory<byte> content)
    {
        content = inline ?? default;
        return inline is not null;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ask(cancellationToken).ConfigureAwait(false);
        var received = 0L;
        await foreach (var part in parts.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            received += part.Length;
            yield return part;
        }

        if (received != length)
        {
            throw new IOException($"{received} bytes came instead of {length}");
        }
    }

    /// <summary>Takes a part; waits while too many wait already, unless the delivery has ended.</summary>
    public async ValueTask AddAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken)
    {
        try
        {
            await parts.Writer.WriteAsync(part, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            // Close was called: nobody reads any more.
        }
    }

    public void Complete() => parts.Writer.TryComplete();

    public void Fail() => parts.Writer.TryComplete(new IOException("the content cannot be had"));

    /// <summary>The delivery has ended, well or not.</summary>
    public void Close() => parts.Writer.TryComplete();
}
