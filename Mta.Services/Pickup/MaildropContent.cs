using System.Runtime.CompilerServices;
using Mta.Services.Clients;
using Mta.Storage.Maildrop;

namespace Mta.Services.Pickup;

/// <summary>The content of a message in maildrop with LF line ends and a line end at its end, whatever was handed in.</summary>
internal sealed class MaildropContent(MaildropStore store, MaildropMessage message) : IMessageContent
{
    /// <summary>Bytes as handed in.</summary>
    public long Length => message.Size;

    public bool TryGetBytes(out ReadOnlyMemory<byte> content)
    {
        content = default;
        return false;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var heldReturn = false;
        var last = (byte)'\n';
        await foreach (var piece in store.ReadContentAsync(message, cancellationToken).ConfigureAwait(false))
        {
            if (heldReturn && piece[0] != (byte)'\n')
            {
                yield return "\r"u8.ToArray();
                last = (byte)'\r';
            }

            var length = TakeReturns(piece, out heldReturn);
            if (length > 0)
            {
                last = piece[length - 1];
                yield return piece.AsMemory(0, length);
            }
        }

        if (last != (byte)'\n' || heldReturn)
        {
            yield return "\n"u8.ToArray();
        }
    }

    /// <summary>Takes the carriage returns before line ends out, in place. One at the end is held back: the next piece tells what it is.</summary>
    private static int TakeReturns(Span<byte> piece, out bool held)
    {
        held = piece[^1] == (byte)'\r';
        var source = held ? piece[..^1] : piece;
        var to = 0;
        for (int at; (at = source.IndexOf("\r\n"u8)) >= 0; source = source[(at + 1)..])
        {
            source[..at].CopyTo(piece[to..]);
            to += at;
        }

        source.CopyTo(piece[to..]);
        return to + source.Length;
    }
}
