using Mta.Core.Addresses;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>How messages enter the active queue.</summary>
public sealed partial class QueueManager
{
    /// <summary>Takes a message that this node has just stored, with its content in memory where there is room for it.</summary>
    /// <param name="content">Owned by the queue manager from here on; null when it is in the store only.</param>
    /// <param name="epoch">The epoch that it was stored under.</param>
    public void Activate(NewMessage stored, PooledContent? content, NodeEpoch epoch)
    {
        var chunks = stored.StoredChunks + (stored.Content.IsEmpty && stored.StoredChunks > 0 ? 0 : 1);
        var message = Admit(stored.Envelope, chunks, 0, false, epoch);
        if (message is null)
        {
            content?.Dispose();
            return;
        }

        if (content is not null)
        {
            Hold(message, content);
        }

        message.Open = stored.Recipients.Count;
        Begin(message, stored.Recipients);
    }

    /// <summary>Takes a message that was claimed from the database.</summary>
    public async ValueTask ActivateAsync(ClaimedMessage claimed, NodeEpoch epoch, CancellationToken cancellationToken)
    {
        if (Admit(claimed.Envelope, claimed.ChunkCount, claimed.Attempts, claimed.Warned, epoch) is { } message)
        {
            message.HasMore = true;
            if ((claimed.Envelope.Flags & EnvelopeFlags.Returned) != 0 && !await ReadReturnReasonAsync(message, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            if (claimed.Content is { } content)
            {
                Hold(message, PooledContent.CopyOf(content));
            }

            if (claimed.Recipients is { } recipients && recipients.Count <= options.RecipientWindow)
            {
                await TakeAsync(message, recipients).ConfigureAwait(false);
            }
            else
            {
                await ContinueAsync(message, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Keeps the content in memory while there is room for it and it is all there is.</summary>
    private void Hold(ActiveMessage message, PooledContent content)
    {
        if (message.ChunkCount == 1 && Interlocked.Add(ref heldBytes, content.Length) <= options.MemoryLimit)
        {
            message.HoldContent(content);
            return;
        }

        if (message.ChunkCount == 1)
        {
            Interlocked.Add(ref heldBytes, -content.Length);
        }

        content.Dispose();
    }

    private ActiveMessage? Admit(Envelope envelope, int chunks, int attempts, bool warned, NodeEpoch epoch)
    {
        var message = new ActiveMessage(envelope, chunks, epoch)
        {
            Attempts = attempts,
            Warned = warned,
            ActiveTimestamp = ports.Time.GetTimestamp(),
            SecondsBeforeQueue = Math.Max(0, (ports.Time.GetUtcNow() - envelope.Id.Time).TotalSeconds),
        };
        message.ReadContentFrom(ports.Reader);
        if (!active.TryAdd(envelope.Id.Value, message))
        {
            return null;
        }

        if (!ReferenceEquals(epoch, ports.Epoch()))
        {
            // Between the commit and here the epoch ended: it may have been too late for the round of Abandon.
            Removed(message);
            return null;
        }

        ports.Log.Info(Tag, $"{message.IdText}: from=<{AddressQuoting.ToExternal(envelope.Sender)}>, size={envelope.Size}, nrcpt={envelope.RecipientCount} (queue active)");
        return message;
    }
}
