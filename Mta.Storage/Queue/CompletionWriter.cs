using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>One writer of the completion combiner.</summary>
/// <param name="source">Connections without a command timeout.</param>
/// <param name="commitLimit">After it the connection is broken off, and the commit is unknown: it is never cancelled.</param>
internal sealed class CompletionWriter(DatabasePool source, Func<TimeSpan> commitLimit) : IAsyncDisposable
{
    private readonly QueueConnection connection = new(source);
    private readonly WriterLock writerLock = WriterLock.Create();
    private CompletionBatch contents = new();
    private NpgsqlBatch? plain;
    private long plainEpoch;

    /// <summary>Writes the batch in one transaction; the number of stale outcomes.</summary>
    /// <param name="repeated">The batch was tried before and may have been committed: history rows of it mean done, not stale.</param>
    public async ValueTask<int> WriteAsync(List<Completion> batch, NodeEpoch epoch, bool repeated, CancellationToken cancellationToken)
    {
        try
        {
            return await TryWriteAsync(batch, epoch, repeated, reducedText: false, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (StorageErrors.IsDataError(e))
        {
            await DropAsync().ConfigureAwait(false);
            if (batch.Count == 1)
            {
                return await TryWriteAsync(batch, epoch, repeated, reducedText: true, cancellationToken).ConfigureAwait(false);
            }

            var half = batch.Count / 2;
            return await WriteAsync(batch.GetRange(0, half), epoch, repeated, cancellationToken).ConfigureAwait(false)
                + await WriteAsync(batch.GetRange(half, batch.Count - half), epoch, repeated, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await DropAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        plain?.Dispose();
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<int> TryWriteAsync(
        List<Completion> batch, NodeEpoch epoch, bool repeated, bool reducedText, CancellationToken cancellationToken)
    {
        var (open, isNew) = await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        contents.Fill(batch, reducedText);
        int written;
        if (contents.HasDeferred || contents.HasRequested || contents.HasNotifications)
        {
            written = await WriteAllAsync(open, epoch).ConfigureAwait(false);
        }
        else
        {
            if (isNew || plain is null || plainEpoch != epoch.Epoch)
            {
                plain?.Dispose();
                plain = new NpgsqlBatch(open) { Timeout = 0, BatchCommands = { contents.FinishCommand(epoch.Name, epoch.Epoch) } };
                plainEpoch = epoch.Epoch;
                await plain.PrepareAsync(cancellationToken).ConfigureAwait(false);
            }

            await connection.WithinAsync(plain.ExecuteNonQueryAsync(CancellationToken.None), commitLimit()).ConfigureAwait(false);
            written = plain.BatchCommands[0].RecordsAffected < 0 ? 0 : (int)plain.BatchCommands[0].RecordsAffected;
        }

        return written == contents.RecordCount ? 0 : await CountStaleAsync(open, batch, written, epoch, repeated, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One implicit transaction: the statements of a batch are sent with one Sync.</summary>
    private async ValueTask<int> WriteAllAsync(NpgsqlConnection open, NodeEpoch epoch)
    {
        await using var all = new NpgsqlBatch(open) { Timeout = 0 };
        all.BatchCommands.Add(contents.FinishCommand(epoch.Name, epoch.Epoch));
        if (contents.HasDeferred)
        {
            all.BatchCommands.Add(contents.DeferCommand(epoch.Name, epoch.Epoch));
        }

        if (contents.HasRequested)
        {
            all.BatchCommands.Add(contents.RequestedCommand(epoch.Name, epoch.Epoch));
        }

        foreach (var command in contents.NotificationCommands(epoch.Name, epoch.Epoch, writerLock))
        {
            all.BatchCommands.Add(command);
        }

        await connection.WithinAsync(all.ExecuteNonQueryAsync(CancellationToken.None), commitLimit()).ConfigureAwait(false);
        return (int)all.BatchCommands[0].RecordsAffected;
    }

    private static async ValueTask<int> CountStaleAsync(
        NpgsqlConnection open, List<Completion> batch, int written, NodeEpoch epoch, bool repeated, CancellationToken cancellationToken)
    {
        var missing = batch.Sum(c => c.Records.Count) - written;
        if (repeated)
        {
            await using var find = new NpgsqlCommand(QueueSql.CountWritten, open);
            find.Parameters.AddWithValue(epoch.Name);
            find.Parameters.AddWithValue(batch.SelectMany(c => c.Records.Select(_ => c.MessageId)).ToArray());
            find.Parameters.AddWithValue(batch.SelectMany(c => c.Records.Select(r => r.RecipientNumber)).ToArray());
            var done = (long)(await find.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            missing = (int)Math.Max(0, missing + written - Math.Max(done, written));
        }

        // What was only deferred was delivered to nobody.
        missing = Math.Min(missing, batch.Sum(c => c.Records.Count(r => r.IsFinal)));
        if (missing > 0)
        {
            await using var count = new NpgsqlCommand(QueueSql.CountDuplicates, open);
            count.Parameters.AddWithValue(epoch.Name);
            count.Parameters.AddWithValue((long)missing);
            await count.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        return missing;
    }

    private async ValueTask DropAsync()
    {
        plain?.Dispose();
        plain = null;
        // What was broken off in the middle may still be writing from these lists.
        contents = new CompletionBatch();
        await connection.BreakAsync().ConfigureAwait(false);
    }
}
