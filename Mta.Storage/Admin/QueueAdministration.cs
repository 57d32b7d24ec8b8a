using Npgsql;
using NpgsqlTypes;

namespace Mta.Storage.Admin;

/// <summary>The functions of the schema mta that change messages, for many at once. All methods throw <see cref="StorageException"/>.</summary>
/// <param name="operatorName">Who asks, for mta.admin_log.</param>
public sealed class QueueAdministration(NpgsqlDataSource source, string operatorName)
{
    private const string Find = "SELECT id FROM mta.queue WHERE queue_name = ANY ($2) AND ($1 IS NULL OR id = ANY ($1))";

    private const string SetOperator = "SELECT set_config('mta.operator', $1, true)";

    private const string Administer =
        """
        SELECT u.id, CASE $2 WHEN 'delete' THEN mta.delete(q) WHEN 'requeue' THEN mta.requeue(q) WHEN 'hold' THEN mta.hold(q)
            WHEN 'release' THEN mta.release(q) WHEN 'expire' THEN mta.expire(q) END
        FROM unnest($1) AS u(id), LATERAL mta.queue_id(u.id) AS q
        """;

    private const string HoldRestored = "SELECT mta.hold_restored()";

    private const string Sweep = "SELECT mta.maildrop_sweep()";

    /// <summary>The messages of these queues; of the given ids those that are there, or all when there are none given.</summary>
    public ValueTask<long[]> FindAsync(long[]? ids, string[] queues, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Find);
                command.Parameters.Add(new() { Value = (object?)ids ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
                command.Parameters.AddWithValue(queues);
                command.CommandTimeout = 0;
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var found = new List<long>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    found.Add(reader.GetInt64(0));
                }

                return found.ToArray();
            });

    /// <summary>Does one thing with these messages, in one transaction: what the function answered for each.</summary>
    /// <param name="action">delete, requeue, hold, release or expire.</param>
    public ValueTask<IReadOnlyList<(long Id, string Result)>> AdministerAsync(string action, long[] ids, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var batch = source.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(SetOperator) { Parameters = { new() { Value = operatorName } } });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(Administer) { Parameters = { new() { Value = ids }, new() { Value = action } } });
                batch.Timeout = 0;
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                var results = new List<(long, string)>(ids.Length);
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    results.Add((reader.GetInt64(0), reader.GetString(1)));
                }

                return (IReadOnlyList<(long Id, string Result)>)results;
            });

    /// <summary>Sets all mail of a restored database aside, before a node starts; the number of messages. Refused while a node is live.</summary>
    public ValueTask<long> HoldRestoredAsync(CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var batch = source.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(SetOperator) { Parameters = { new() { Value = operatorName } } });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(HoldRestored));
                batch.Timeout = 0;
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                return reader.GetInt64(0);
            });

    /// <summary>Removes what was left unfinished in maildrop; the number of messages.</summary>
    public ValueTask<int> PurgeAsync(CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Sweep);
                return (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            });
}
