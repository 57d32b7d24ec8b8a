using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>One writer of the accept combiner: its connection, its lock and its batches.</summary>
internal sealed class AcceptWriter(DatabasePool source, CommitSettler settler, Func<TimeSpan> commitLimit, Func<TimeSpan> settleLimit) : IAsyncDisposable
{
    private readonly QueueConnection connection = new(source);
    private readonly Dictionary<string, NpgsqlCommand> commands = new(StringComparer.Ordinal);
    private AcceptBatch batch = new();
    private WriterLock writerLock = WriterLock.Create();

    /// <summary>Stores the messages and tells each session; messages with and without owner go by statements of their own.</summary>
    public async ValueTask StoreAsync(List<AcceptCombiner.Waiting> messages, NodeEpoch epoch, CancellationToken cancellationToken)
    {
        var owned = messages.TrueForAll(static m => m.Message is { Owned: true, Hold: HoldReason.None });
        if (!owned && messages.Exists(static m => m.Message.Hold != HoldReason.None))
        {
            await StoreWithHeldAsync(messages, epoch, cancellationToken).ConfigureAwait(false);
        }
        else if (owned || messages.TrueForAll(m => !m.Message.Owned))
        {
            await StoreAsync(messages, owned ? Target.Active : Target.Incoming, epoch, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await StoreAsync(messages.FindAll(m => m.Message.Owned), Target.Active, epoch, cancellationToken).ConfigureAwait(false);
            await StoreAsync(messages.FindAll(m => !m.Message.Owned), Target.Incoming, epoch, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    /// <summary>A batch with messages for the hold queue, which are few: one statement for each reason, then the others as always.</summary>
    private async ValueTask StoreWithHeldAsync(List<AcceptCombiner.Waiting> messages, NodeEpoch epoch, CancellationToken cancellationToken)
    {
        for (var reason = HoldReason.Access; reason <= HoldReason.BodyChecks; reason++)
        {
            var held = messages.FindAll(m => m.Message.Hold == reason);
            if (held.Count > 0)
            {
                await StoreAsync(held, Target.HeldBy(reason), epoch, cancellationToken).ConfigureAwait(false);
            }
        }

        var others = messages.FindAll(m => m.Message.Hold == HoldReason.None);
        if (others.Count > 0)
        {
            await StoreAsync(others, epoch, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask StoreAsync(List<AcceptCombiner.Waiting> messages, Target target, NodeEpoch epoch, CancellationToken cancellationToken)
    {
        Exception failure;
        try
        {
            var stored = await ExecuteAsync(messages, target, epoch, cancellationToken).ConfigureAwait(false);
            if (connection.CommittedWithWarning)
            {
                // The server says that it did not wait for the standby: a fail-over would lose this.
                await SettleAsync(messages, epoch, "the commit was not waited for", cancellationToken).ConfigureAwait(false);
            }
            else
            {
                Answer(messages, stored == messages.Count
                    ? new AcceptResult(AcceptOutcome.Stored, Epoch: epoch)
                    : new AcceptResult(AcceptOutcome.EpochEnded, "this node's epoch has ended"));
            }

            return;
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || StorageErrors.IsDataError(e) || e is OperationCanceledException)
        {
            failure = e;
        }

        await FailAsync(messages, target, epoch, failure, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask FailAsync(
        List<AcceptCombiner.Waiting> messages, Target target, NodeEpoch epoch, Exception failure, CancellationToken cancellationToken)
    {
        var sent = executing;
        if (StorageErrors.IsDataError(failure))
        {
            if (failure is not PostgresException)
            {
                await DropAsync().ConfigureAwait(false);
            }

            if (messages.Count == 1)
            {
                Answer(messages, new AcceptResult(AcceptOutcome.Refused, StorageErrors.Map(failure).Message));
                return;
            }

            // One bad message must not take the others down: halves, until it stands alone.
            var half = messages.Count / 2;
            await StoreAsync(messages.GetRange(0, half), target, epoch, cancellationToken).ConfigureAwait(false);
            await StoreAsync(messages.GetRange(half, messages.Count - half), target, epoch, cancellationToken).ConfigureAwait(false);
            return;
        }

        var reason = failure is OperationCanceledException ? "the commit took too long" : StorageErrors.Map(failure).Message;
        if (!sent || StorageErrors.IsCertainlyRolledBack(failure))
        {
            await DropAsync().ConfigureAwait(false);
            Answer(messages, new AcceptResult(StorageErrors.IsDiskFull(failure) ? AcceptOutcome.NoSpace : AcceptOutcome.NotStored, reason));
            return;
        }

        await SettleAsync(messages, epoch, reason, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask SettleAsync(List<AcceptCombiner.Waiting> messages, NodeEpoch epoch, string reason, CancellationToken cancellationToken)
    {
        await DropAsync().ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(settleLimit());
        var found = await settler.FindStoredAsync(writerLock, messages.ConvertAll(m => m.Message.Envelope.Id.Value), epoch.Name, limit.Token)
            .ConfigureAwait(false);
        if (found is null)
        {
            // A session that is dead for us, but not for the server yet, may hold the lock for long: nobody waits for it again.
            writerLock = WriterLock.Create();
        }

        foreach (var message in messages)
        {
            message.TrySetResult(found is null
                ? new AcceptResult(AcceptOutcome.Unknown, reason) { ContentInUse = true }
                : found.Contains(message.Message.Envelope.Id.Value)
                    ? new AcceptResult(AcceptOutcome.Stored, Epoch: epoch) { ContentInUse = true }
                    : new AcceptResult(AcceptOutcome.NotStored, reason) { ContentInUse = true });
        }
    }

    // True from the moment that the statement may have reached the server.
    private bool executing;

    private async ValueTask<int> ExecuteAsync(List<AcceptCombiner.Waiting> messages, Target target, NodeEpoch epoch, CancellationToken cancellationToken)
    {
        executing = false;
        var (open, isNew) = await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        if (isNew)
        {
            commands.Clear();
        }

        batch.Clear();
        foreach (var message in messages)
        {
            batch.Add(message.Message);
        }

        await CheckChunksAsync(open, messages, cancellationToken).ConfigureAwait(false);
        var command = CommandFor(open, target, batch.HasSources);
        command.Parameters[0].Value = epoch.Name;
        ((NpgsqlParameter<long>)command.Parameters[1]).TypedValue = epoch.Epoch;
        if (!command.IsPrepared)
        {
            await command.PrepareAsync(cancellationToken).ConfigureAwait(false);
        }

        executing = true;
        return await connection.WithinAsync(command.ExecuteNonQueryAsync(CancellationToken.None), commitLimit()).ConfigureAwait(false);
    }

    /// <summary>The transaction that makes a streamed message visible needs all its chunks; while the epoch lives nobody else removes any.</summary>
    private static async ValueTask CheckChunksAsync(NpgsqlConnection open, List<AcceptCombiner.Waiting> messages, CancellationToken cancellationToken)
    {
        foreach (var waiting in messages)
        {
            if (waiting.Message.StoredChunks == 0)
            {
                continue;
            }

            await using var count = new NpgsqlCommand(QueueSql.CountChunks, open);
            count.Parameters.AddWithValue(waiting.Message.Envelope.Id.Value);
            count.Parameters.AddWithValue(waiting.Message.StoredChunks);
            if ((long)(await count.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))! != waiting.Message.StoredChunks)
            {
                throw new NpgsqlException($"content of {waiting.Message.Envelope.Id} is incomplete");
            }
        }
    }

    private NpgsqlCommand CommandFor(NpgsqlConnection open, Target target, bool fromSource)
    {
        var sql = QueueSql.Accept(target.Owned, target.Hold, fromSource);
        if (!commands.TryGetValue(sql, out var command))
        {
            command = new NpgsqlCommand(sql, open) { CommandTimeout = 0 };
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "" });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = 0 });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = WriterLock.Class });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = writerLock.Key });
            batch.AddParameters(command.Parameters, fromSource);
            commands[sql] = command;
        }

        return command;
    }

    private async ValueTask DropAsync()
    {
        // What was broken off in the middle may still be writing from these lists.
        commands.Clear();
        batch = new AcceptBatch();
        await connection.BreakAsync().ConfigureAwait(false);
    }

    private static void Answer(List<AcceptCombiner.Waiting> messages, AcceptResult result)
    {
        foreach (var message in messages)
        {
            message.TrySetResult(result);
        }
    }

    /// <summary>The queue of a batch's messages.</summary>
    private readonly record struct Target(bool Owned, HoldReason Hold)
    {
        public static Target Active => new(true, HoldReason.None);

        public static Target Incoming => new(false, HoldReason.None);

        public static Target HeldBy(HoldReason reason) => new(false, reason);
    }
}
