using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Nodes;
using Mta.Storage;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>Where finished messages enter the queue: the accept combiner, and the queue manager for those that this node delivers itself.</summary>
/// <param name="sweepNeeded">Called when a message may stand in the queue under our epoch that its client was refused.</param>
/// <param name="forAnybody">Called when a message was stored without owner.</param>
public sealed class QueueIntake(
    NodeLease lease,
    AcceptCombiner accept,
    UploadStore uploads,
    QueueManager queue,
    MailLog log,
    Action sweepNeeded,
    Func<bool> hasReserve,
    Action? forAnybody = null) : IQueueIntake
{
    private const string Tag = "cleanup";

    /// <summary>True while this node delivers; false on one that only receives, whose mail the others take from incoming.</summary>
    public bool Delivers { get; set; } = true;

    public QueueId NextId() => lease.NextId();

    public IContentUpload BeginUpload(QueueId id) => new ContentUpload(lease, uploads, id);

    public async ValueTask<CleanupResult> EnqueueAsync(NewMessage message, PooledContent content, CancellationToken cancellationToken)
    {
        if (!lease.IsHeld)
        {
            content.Dispose();
            return new CleanupResult(CleanupOutcome.WriteError);
        }

        if (!hasReserve())
        {
            content.Dispose();
            return new CleanupResult(CleanupOutcome.NoSpace);
        }

        var owned = message is { Owned: true, Hold: HoldReason.None } && Delivers && !lease.IsDrained && queue.Room > 0 && !queue.IsLoaded(lease.LeastLoad);
        var stored = owned == message.Owned ? message : message.WithOwner(owned);
        var result = await accept.StoreAsync(stored).ConfigureAwait(false);
        if (result.ContentInUse)
        {
            // It may come to stand in the queue under our epoch although its client is told to try again.
            content.Abandon();
            sweepNeeded();
        }

        if (result.Outcome == AcceptOutcome.Stored)
        {
            if (owned && result.Epoch is { } epoch)
            {
                queue.Activate(stored, result.ContentInUse ? null : content, epoch);
            }
            else
            {
                content.Dispose();
                forAnybody?.Invoke();
            }

            return new CleanupResult(CleanupOutcome.Queued);
        }

        content.Dispose();
        log.Warning(Tag, $"{message.Envelope.Id}: not stored: {result.Reason}");
        return new CleanupResult(result.Outcome == AcceptOutcome.NoSpace ? CleanupOutcome.NoSpace : CleanupOutcome.WriteError);
    }

    private sealed class ContentUpload(NodeLease lease, UploadStore uploads, QueueId id) : IContentUpload
    {
        private bool announced;

        public int Chunks { get; private set; }

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
        {
            if (!announced)
            {
                Require(await uploads.BeginAsync(lease.Epoch, id.Value, cancellationToken).ConfigureAwait(false));
                announced = true;
            }

            Require(await uploads.WriteAsync(lease.Epoch, id.Value, Chunks, chunk, cancellationToken).ConfigureAwait(false));
            Chunks++;
        }

        public async ValueTask AbortAsync()
        {
            if (!announced)
            {
                return;
            }

            try
            {
                await uploads.AbortAsync(id.Value, CancellationToken.None).ConfigureAwait(false);
            }
            catch (StorageException)
            {
                // The end of the epoch removes it.
            }
        }

        private static void Require(bool alive)
        {
            if (!alive)
            {
                throw new StorageException(StorageFailure.Conflict, "this node's epoch has ended");
            }
        }
    }
}
