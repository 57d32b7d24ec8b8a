using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>What an administrator asks of deferred mail.</summary>
public sealed class QueueRequests(NpgsqlDataSource source)
{
    /// <summary>All deferred mail is due now (postqueue -f).</summary>
    public ValueTask<int> FlushAllAsync(CancellationToken cancellationToken) => ExecuteAsync(QueueSql.FlushAll, null, cancellationToken);

    /// <summary>The deferred mail of one destination is due now (postqueue -s); the number of destinations found, 0 or 1.</summary>
    public ValueTask<int> FlushDestinationAsync(string destination, CancellationToken cancellationToken) =>
        ExecuteAsync(QueueSql.FlushDestination, destination, cancellationToken);

    /// <summary>One deferred message is due now (postqueue -i); 0 when it is not deferred.</summary>
    public ValueTask<int> FlushMessageAsync(long messageId, CancellationToken cancellationToken) =>
        ExecuteAsync(QueueSql.FlushMessage, messageId, cancellationToken);

    private ValueTask<int> ExecuteAsync(string sql, object? argument, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(sql);
                if (argument is not null)
                {
                    command.Parameters.AddWithValue(argument);
                }

                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            });
}
