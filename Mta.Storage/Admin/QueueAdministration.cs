using Mta.Storage.Connections;
using Npgsql;
using NpgsqlTypes;

namespace Mta.Storage.Admin;

/// <summary>The functions of the schema mta that change messages, for many at once. All methods throw <see cref="StorageException"/>.</summary>
/// <param name="operatorName">Who asks, for mta.admin_log.</param>
public sealed class QueueAdministration(DatabasePool source, string operatorName)
{
    private const string Find = "SELECT id FROM mta.queue WHERE queue_name = ANY ($2) AND ($1 IS NULL OR id = ANY ($1)) AND NOT ($3 AND expired) ORDER BY id";

    private const string SetOperator = "SELECT set_config('mta.operator', $1, true)";

    private const string Administer = "SELECT message_id, result FROM mta_store.administer_many($1, $2, session_user, $3)";

    private const string HoldRestored = "SELECT mta.hold_restored()";

    private const string Sweep = "SELECT mta.maildrop_sweep()";

    /// <summary>The messages of these queues, oldest first; of the given ids those that are there, or all when there are none given.</summary>
    /// <param name="unexpired">Only those that are not marked as expired.</param>
    public ValueTask<long[]> FindAsync(long[]? ids, string[] queues, bool unexpired, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Find);
                command.Parameters.Add(new() { Value = (object?)ids ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
                command.Parameters.AddWithValue(queues);
                command.Parameters.AddWithValue(unexpired);
                command.CommandTimeout = 0;
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var found = new List<long>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    found.Add(reader.GetInt64(0));
                }

                return found.ToArray();
            });

    /// <summary>Does one thing with these messages, in one transaction: what came of it, by id.</summary>
    /// <param name="action">delete, requeue, hold, release or expire.</param>
    public ValueTask<IReadOnlyDictionary<long, string>> AdministerAsync(string action, long[] ids, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Administer);
                command.Parameters.AddWithValue(ids);
                command.Parameters.AddWithValue(action);
                command.Parameters.AddWithValue(operatorName);
                command.CommandTimeout = 0;
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var results = new Dictionary<long, string>(ids.Length);
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    results[reader.GetInt64(0)] = reader.GetString(1);
                }

                return (IReadOnlyDictionary<long, string>)results;
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
