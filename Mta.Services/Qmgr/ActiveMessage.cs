using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>
/// A message that this node owns, during one round: each of its recipients is tried once. Its fields are guarded by its own lock, but for
/// those set before the round begins.
/// </summary>
internal sealed class ActiveMessage(Envelope envelope, int chunkCount, NodeEpoch epoch) : IMessageContent
{
    private volatile bool abandoned;
    private PooledContent? content;
    private QueueReader? reader;

    public Lock Gate { get; } = new();

    public Envelope Envelope { get; } = envelope;

    /// <summary>The epoch that owns it.</summary>
    public NodeEpoch Epoch { get; } = epoch;

    /// <summary>Its epoch has ended: it is another node's, and nothing more of it may be tried here.</summary>
    public bool IsAbandoned => abandoned;

    public string IdText { get; } = envelope.Id.ToString();

    public int ChunkCount { get; } = chunkCount;

    /// <summary>Rounds that went before this one.</summary>
    public int Attempts { get; init; }

    public bool Warned { get; init; }

    /// <summary>By <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long ActiveTimestamp { get; init; }

    /// <summary>Seconds from arrival to the active queue: the a of delays=a/b/c/d.</summary>
    public double SecondsBeforeQueue { get; init; }

    /// <summary>What an administrator asked for: nothing more is tried, and it is done when the deliveries under way have ended.</summary>
    public RequestedAction? Request { get; set; }

    /// <summary>An administrator wants it returned when this round leaves anybody undelivered.</summary>
    public bool ForceExpire { get; set; } = (envelope.Flags & EnvelopeFlags.ForceExpire) != 0;

    /// <summary>An administrator returns it: no recipient is tried, each has this status.</summary>
    public DeliveryStatus? Returned { get; set; }

    /// <summary>Deliveries that an agent has in hand.</summary>
    public int InFlight { get; set; }

    /// <summary>The next window of recipients is being read.</summary>
    public bool Reading { get; set; }

    /// <summary>The end of the round is decided: outcomes and requests come too late.</summary>
    public bool Ending { get; set; }

    /// <summary>Recipients in memory whose outcome is open.</summary>
    public int Open { get; set; }

    /// <summary>The last recipient number that was read; what lies above is read when those in memory are done.</summary>
    public int LastNumber { get; set; } = -1;

    /// <summary>Recipients may be left in the database for this round.</summary>
    public bool HasMore { get; set; }

    /// <summary>Outcomes that are not posted yet.</summary>
    public List<DeliveryRecord> Unwritten { get; set; } = [];

    public List<RecipientOutcome>? Bounced { get; set; }

    public List<RecipientOutcome>? Deferred { get; set; }

    /// <summary>Outcomes that the sender asked to hear of (NOTIFY=SUCCESS).</summary>
    public List<RecipientOutcome>? Succeeded { get; set; }

    /// <summary>The next hop of the first deferred recipient.</summary>
    public string? DeferredDestination { get; set; }

    /// <summary>The kinds of the notifications that the end of the round enqueues, in their order.</summary>
    public List<NotificationKind> NotificationKinds { get; } = [];

    public long Length => Envelope.Size;

    public void Abandon() => abandoned = true;

    public int HeldBytes => content?.Length ?? 0;

    public void HoldContent(PooledContent held) => content = held;

    public void ReadContentFrom(QueueReader store) => reader = store;

    /// <summary>Gives the memory back; the bytes that were held.</summary>
    public int ReleaseContent()
    {
        if (Interlocked.Exchange(ref content, null) is not { } held)
        {
            return 0;
        }

        held.Dispose();
        return held.Length;
    }

    public bool TryGetBytes(out ReadOnlyMemory<byte> bytes)
    {
        if (content is { } held && ChunkCount == 1)
        {
            bytes = held.Memory;
            return true;
        }

        bytes = default;
        return false;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (TryGetBytes(out var bytes))
        {
            yield return bytes;
            yield break;
        }

        for (var chunk = 0; chunk < ChunkCount; chunk++)
        {
            var data = await reader!.ChunkAsync(Envelope.Id.Value, chunk, cancellationToken).ConfigureAwait(false)
                ?? throw new Mta.Storage.StorageException(
                    Mta.Storage.StorageFailure.Fatal, $"content of {IdText} is incomplete: chunk {chunk} of {ChunkCount} is missing");
            yield return data;
        }
    }
}
