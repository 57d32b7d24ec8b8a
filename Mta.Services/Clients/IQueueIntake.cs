using Mta.Core.Queue;
using Mta.Storage.Queue;

namespace Mta.Services.Clients;

/// <summary>Where cleanup(8) puts finished messages: the accept combiner, or a test.</summary>
public interface IQueueIntake
{
    /// <summary>A new queue id, larger than every one before on this node.</summary>
    QueueId NextId();

    /// <summary>Opens the store for the content of a message that does not fit in memory.</summary>
    IContentUpload BeginUpload(QueueId id);

    /// <summary>
    /// Puts the message into the queue. <see cref="CleanupOutcome.Queued"/> only after COMMIT; failures of the store are
    /// <see cref="CleanupOutcome.WriteError"/> or <see cref="CleanupOutcome.NoSpace"/>, never an exception.
    /// </summary>
    /// <param name="message"><see cref="NewMessage.Content"/> is the memory of <paramref name="content"/>.</param>
    /// <param name="content">Handed over in every case; released by the queue when the message is finished or was refused.</param>
    /// <param name="cancellationToken">Honoured only before the commit is sent.</param>
    ValueTask<CleanupResult> EnqueueAsync(NewMessage message, PooledContent content, CancellationToken cancellationToken);
}

/// <summary>The content of one large message on its way into the store, in short transactions of its own.</summary>
public interface IContentUpload
{
    /// <summary>Chunks stored so far.</summary>
    int Chunks { get; }

    /// <summary>Stores the next chunk; its memory is free when the task ends. Throws <see cref="Mta.Storage.StorageException"/>.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken);

    /// <summary>Removes what was stored, when the message is not enqueued. Never throws: what it leaves is swept later.</summary>
    ValueTask AbortAsync();
}
