using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>One incarnation of a node: what it owns in the queue carries its epoch.</summary>
/// <param name="IdFloor">Queue ids of this epoch begin above it; 0 when its node number was never used.</param>
public sealed record NodeEpoch(string Name, long Epoch, int Number, long IdFloor);

/// <summary>What a node says of itself when it begins an epoch.</summary>
/// <param name="Instance">The secret of its data directory, whose lock it holds: the same one may end its own old epoch at once.</param>
public sealed record NodeIdentity(string Name, string Instance, string Host, int ProcessId, string Version);

/// <summary>The registry of nodes: epochs, heartbeats, take-over.</summary>
public sealed class NodeRegistry(NpgsqlDataSource source)
{
    /// <summary>Begins a new epoch; null when another instance of this name holds a live lease.</summary>
    public ValueTask<NodeEpoch?> BeginAsync(NodeIdentity identity, TimeSpan lease, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.Begin);
                command.Parameters.AddWithValue(identity.Name);
                command.Parameters.AddWithValue(identity.Instance);
                command.Parameters.AddWithValue(lease.TotalSeconds);
                command.Parameters.AddWithValue(identity.Host);
                command.Parameters.AddWithValue(identity.ProcessId);
                command.Parameters.AddWithValue(identity.Version);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
                    ? new NodeEpoch(identity.Name, reader.GetInt64(0), reader.GetInt16(1), reader.GetInt64(2))
                    : null;
            });

    /// <summary>Renews the lease; false when somebody ended the epoch.</summary>
    public ValueTask<bool> HeartbeatAsync(NodeEpoch node, TimeSpan lease, long lastId, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.Heartbeat);
                command.Parameters.AddWithValue(node.Name);
                command.Parameters.AddWithValue(node.Epoch);
                command.Parameters.AddWithValue(lease.TotalSeconds);
                command.Parameters.AddWithValue(lastId);
                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1;
            });

    /// <summary>Ends an epoch and gives its mail back to incoming; false when it had ended.</summary>
    public ValueTask<bool> EndAsync(NodeEpoch node, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.End);
                command.Parameters.AddWithValue(node.Name);
                command.Parameters.AddWithValue(node.Epoch);
                return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            });

    /// <summary>Ends the epochs of nodes that have been silent for lease and grace; their names.</summary>
    public ValueTask<IReadOnlyList<string>> TakeOverAsync(NodeEpoch node, TimeSpan grace, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.TakeOver);
                command.Parameters.AddWithValue(node.Name);
                command.Parameters.AddWithValue(grace.TotalSeconds);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var names = new List<string>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    if (reader.GetBoolean(2))
                    {
                        names.Add(reader.GetString(0));
                    }
                }

                return (IReadOnlyList<string>)names;
            });

    /// <summary>Makes the partitions of the delivery log ahead of time and drops those past the retention.</summary>
    public ValueTask<bool> MaintainLogAsync(TimeSpan retention, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.MaintainLog);
                command.Parameters.AddWithValue(retention.TotalSeconds);
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                return true;
            });
}
