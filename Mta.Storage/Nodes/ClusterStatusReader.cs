using System.Globalization;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>Reads the state of nodes and queues for people, without waiting for anything and at a cost that does not grow with the queue.</summary>
public sealed class ClusterStatusReader(DatabasePool source)
{
    private const int ExactMessages = 100_000;

    private const string Nodes =
        """
        SELECT name, host, state, drained_at IS NOT NULL, program_version, extract(epoch FROM lease_left)::float8, extract(epoch FROM heartbeat_age)::float8,
               active_messages, deliveries, possible_duplicates, rejects_lost, (SELECT max(version) FROM mta.schema_version), delivers
        FROM mta.node_status ORDER BY name
        """;

    // Oldest means smallest id, which the primary key finds at once.
    private static readonly string Queues = string.Join(" UNION ALL ", Queue("maildrop", false), Queue("incoming", true), Queue("active", true),
        Queue("deferred", false), Queue("hold", false), Queue("corrupt", false));

    /// <summary>Throws <see cref="StorageException"/>.</summary>
    public ValueTask<ClusterStatus> ReadAsync(CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var batch = source.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(Nodes));
                batch.BatchCommands.Add(new NpgsqlBatchCommand(Queues));
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var nodes = new List<NodeStatus>();
                var version = 0L;
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    version = reader.GetInt64(11);
                    nodes.Add(new NodeStatus(
                        reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetBoolean(3), reader.GetBoolean(12), reader.GetString(4), Seconds(reader, 5),
                        Seconds(reader, 6) ?? default, reader.GetInt32(7), reader.GetInt32(8), reader.GetInt64(9), reader.GetInt64(10)));
                }

                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                var queues = new List<QueueStatus>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    var counted = reader.GetInt64(1);
                    var many = counted > ExactMessages;
                    queues.Add(new QueueStatus(
                        reader.GetString(0), many ? Math.Max(counted, (long)reader.GetFloat(2)) : counted, many, Seconds(reader, 3), Seconds(reader, 4)));
                }

                return new ClusterStatus(version, nodes, queues);
            });

    /// <summary>All nodes' possible duplicates. Throws <see cref="StorageException"/>.</summary>
    public ValueTask<long> PossibleDuplicatesAsync(CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand("SELECT coalesce(sum(possible_duplicates), 0)::bigint FROM mta.node");
                return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            });

    private static string Queue(string name, bool tellsUntried)
    {
        var untried = tellsUntried ? Age($"SELECT id FROM mta_store.{name} WHERE attempts = 0 ORDER BY id LIMIT 1") : "NULL::float8";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            SELECT '{name}', (SELECT count(*) FROM (SELECT FROM mta_store.{name} LIMIT {ExactMessages + 1}) q),
                (SELECT reltuples FROM pg_class WHERE oid = 'mta_store.{name}'::regclass), {Age($"SELECT id FROM mta_store.{name} ORDER BY id LIMIT 1")}, {untried}
            """);
    }

    private static string Age(string oldest) => $"extract(epoch FROM clock_timestamp() - mta.queue_time(({oldest})))::float8";

    private static TimeSpan? Seconds(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : TimeSpan.FromSeconds(reader.GetDouble(column));
}
