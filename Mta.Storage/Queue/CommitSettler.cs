using System.Security.Cryptography;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>The advisory lock that a writer's transactions hold until they have ended on the server.</summary>
internal readonly record struct WriterLock(int Key)
{
    /// <summary>The class of these locks in pg_locks ("MT").</summary>
    public const int Class = 0x4D54;

    public static WriterLock Create() => new(RandomNumberGenerator.GetInt32(int.MaxValue));
}

/// <summary>
/// Settles an unknown COMMIT. Looking alone does not do, for the old backend may still commit later: the look is taken on a new connection
/// under the lock that the old transaction holds for as long as it lives.
/// </summary>
/// <param name="tryLimit">How long one look may take before another connection is tried.</param>
internal sealed class CommitSettler(DatabasePool source, Func<TimeSpan> tryLimit)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>The ids that stand in the queue or its history; null when it could not be settled before the token was cancelled.</summary>
    public async ValueTask<HashSet<long>?> FindStoredAsync(WriterLock writerLock, List<long> ids, string nodeName, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var moved = source.Moved;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, moved);
            try
            {
                // The limits end our waiting, not the look: its commit may wait for a standby, and must not be cancelled.
                return await TryFindAsync(writerLock, ids, nodeName).WaitAsync(tryLimit(), limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is OperationCanceledException)
            {
                await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return null;
    }

    private async Task<HashSet<long>?> TryFindAsync(WriterLock writerLock, List<long> ids, string nodeName)
    {
        await using var connection = await source.OpenConnectionAsync().ConfigureAwait(false);
        var warned = false;
        connection.Notice += (_, e) => warned |= e.Notice.SqlState is "01000";
        await using var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
        await using (var wait = new NpgsqlCommand(QueueSql.SettleLock, connection, transaction) { CommandTimeout = 0 })
        {
            wait.Parameters.AddWithValue(WriterLock.Class);
            wait.Parameters.AddWithValue(writerLock.Key);
            await wait.ExecuteNonQueryAsync().ConfigureAwait(false);
        }

        var found = new HashSet<long>();
        await using (var find = new NpgsqlCommand(QueueSql.SettleFind, connection, transaction))
        {
            find.Parameters.AddWithValue(ids);
            await using var reader = await find.ExecuteReaderAsync().ConfigureAwait(false);
            while (await reader.ReadAsync().ConfigureAwait(false))
            {
                found.Add(reader.GetInt64(0));
            }
        }

        await using (var touch = new NpgsqlCommand(QueueSql.SettleTouch, connection, transaction))
        {
            touch.Parameters.AddWithValue(nodeName);
            await touch.ExecuteNonQueryAsync().ConfigureAwait(false);
        }

        // A wait for the standby that was cut off looks like success, but for a warning.
        await transaction.CommitAsync().ConfigureAwait(false);
        return warned ? throw new NpgsqlException("the commit was not waited for") : found;
    }
}
