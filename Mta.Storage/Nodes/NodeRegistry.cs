using System.Globalization;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>One incarnation of a node: what it owns in the queue carries its epoch.</summary>
/// <param name="IdFloor">Queue ids of this epoch begin above it; 0 when its node number was never used.</param>
/// <param name="Drained">An administrator had drained the node when it began.</param>
public sealed record NodeEpoch(string Name, long Epoch, int Number, long IdFloor, bool Drained = false);

/// <summary>What a node tells of itself with each heartbeat.</summary>
/// <param name="LastId">No id above it was made.</param>
/// <param name="ActiveMessages">Messages that it owns.</param>
/// <param name="Deliveries">Deliveries that agents have in hand.</param>
/// <param name="RejectsLost">Rejected commands that the history lacks, since the start.</param>
/// <param name="Delivers">False on a node that only receives.</param>
/// <param name="IsFull">It sees no room for new mail: what comes by SQL or sendmail(1) is refused too.</param>
public readonly record struct NodeReport(long LastId, int ActiveMessages, int Deliveries, long RejectsLost, bool Delivers, bool IsFull = false);

/// <summary>What a node hears with each heartbeat.</summary>
/// <param name="IsAlive">False when somebody ended the epoch; the rest says nothing then.</param>
/// <param name="Drained">An administrator wants it to take no new mail and to give back what it has.</param>
/// <param name="NewestEpoch">Grows whenever an epoch ends, whose mail is in incoming then.</param>
/// <param name="OthersDrain">A node gives its mail back to incoming at this time.</param>
/// <param name="LeastLoad">Messages that the other node which has the fewest owns; null when no other one delivers.</param>
public readonly record struct HeartbeatAnswer(bool IsAlive, bool Drained = false, long NewestEpoch = 0, bool OthersDrain = false, int? LeastLoad = null);

/// <summary>What a node says of itself when it begins an epoch.</summary>
/// <param name="Instance">The secret of its data directory, whose lock it holds: the same one may end its own old epoch at once.</param>
public sealed record NodeIdentity(string Name, string Instance, string Host, int ProcessId, string Version);

/// <summary>The registry of nodes: epochs, heartbeats, take-over.</summary>
/// <param name="source">Connections of the daemon.</param>
/// <param name="control">
/// Connections as the role that all sessions of ours log in as, which may end those of a frozen node; the same ones where there is one role.
/// </param>
public sealed class NodeRegistry(DatabasePool source, DatabasePool? control = null)
{
    /// <summary>An epoch that ends gives its mail back in one transaction; that of a full active queue takes a second or two.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);

    private readonly EpochChanges changes = new(source, control ?? source);

    /// <summary>Begins a new epoch; null when another instance of this name holds a live lease.</summary>
    public ValueTask<NodeEpoch?> BeginAsync(NodeIdentity identity, TimeSpan lease, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            () => changes.RunAsync(
                NodeSql.Begin,
                [identity.Name, identity.Instance, lease.TotalSeconds, identity.Host, identity.ProcessId, identity.Version],
                reader => reader.IsOnRow ? new NodeEpoch(identity.Name, reader.GetInt64(0), reader.GetInt16(1), reader.GetInt64(2), reader.GetBoolean(3)) : null,
                EndLimit,
                cancellationToken));

    /// <summary>Renews the lease.</summary>
    /// <param name="limit">After it the connection is broken off, wherever its other end is, and the lease counts as not renewed.</param>
    public ValueTask<HeartbeatAnswer> HeartbeatAsync(
        NodeEpoch node, TimeSpan lease, NodeReport report, TimeSpan limit, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                var beat = HeartbeatAsync(node, lease, report, limit);
                try
                {
                    return await beat.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    // It breaks its connection by itself; what has become of it is nobody's business.
                    _ = beat.ContinueWith(static b => b.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                    throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"no answer within {limit.TotalSeconds:0.#} s"));
                }
            });

    /// <summary>Ends an epoch and gives its mail back to incoming; false when it had ended.</summary>
    public ValueTask<bool> EndAsync(NodeEpoch node, CancellationToken cancellationToken) => EndAsync(node.Name, node.Epoch, cancellationToken);

    /// <summary>Ends the epochs of nodes that have been silent for lease and grace; their names.</summary>
    public async ValueTask<IReadOnlyList<string>> TakeOverAsync(NodeEpoch node, TimeSpan grace, CancellationToken cancellationToken)
    {
        var ended = new List<string>();
        foreach (var (name, epoch) in await SilentAsync(node, grace, cancellationToken).ConfigureAwait(false))
        {
            if (await EndAsync(name, epoch, cancellationToken).ConfigureAwait(false))
            {
                ended.Add(name);
            }
        }

        return ended;
    }

    /// <summary>Makes the partitions of the delivery log ahead of time and drops those past the retention.</summary>
    public ValueTask<bool> MaintainLogAsync(TimeSpan retention, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.MaintainLog);
                command.CommandTimeout = (int)EndLimit.TotalSeconds;
                command.Parameters.AddWithValue(retention.TotalSeconds);
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                return true;
            });

    /// <summary>Removes what administrators did longer ago than the retention.</summary>
    public ValueTask<bool> TrimAdminLogAsync(TimeSpan retention, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.TrimAdminLog);
                command.CommandTimeout = (int)EndLimit.TotalSeconds;
                command.Parameters.AddWithValue(retention.TotalSeconds);
                while (await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) > 0)
                {
                }

                return true;
            });

    private ValueTask<bool> EndAsync(string name, long epoch, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(() => changes.RunAsync(NodeSql.End, [name, epoch], reader => reader.GetBoolean(0), EndLimit, cancellationToken));

    private async Task<HeartbeatAnswer> HeartbeatAsync(NodeEpoch node, TimeSpan lease, NodeReport report, TimeSpan limit)
    {
        await using var command = source.CreateCommand(NodeSql.Heartbeat);
        command.CommandTimeout = Math.Max(1, (int)Math.Ceiling(limit.TotalSeconds));
        command.Parameters.AddWithValue(node.Name);
        command.Parameters.AddWithValue(node.Epoch);
        command.Parameters.AddWithValue(lease.TotalSeconds);
        command.Parameters.AddWithValue(report.LastId);
        command.Parameters.AddWithValue(report.ActiveMessages);
        command.Parameters.AddWithValue(report.Deliveries);
        command.Parameters.AddWithValue(report.RejectsLost);
        command.Parameters.AddWithValue(report.Delivers);
        command.Parameters.AddWithValue(report.IsFull);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
        return await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false)
            ? new HeartbeatAnswer(true, reader.GetBoolean(0), reader.GetInt64(1), reader.GetBoolean(2), reader.IsDBNull(3) ? null : reader.GetInt32(3))
            : new HeartbeatAnswer(false);
    }

    private ValueTask<List<(string Name, long Epoch)>> SilentAsync(NodeEpoch node, TimeSpan grace, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(NodeSql.Silent);
                command.Parameters.AddWithValue(node.Name);
                command.Parameters.AddWithValue(grace.TotalSeconds);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var silent = new List<(string, long)>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    silent.Add((reader.GetString(0), reader.GetInt64(1)));
                }

                return silent;
            });
}
