using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>What administrators do with nodes, by the functions that SQL clients call too.</summary>
/// <param name="operatorName">Who asks, for mta.admin_log.</param>
public sealed class NodeAdministration(DatabasePool source, string operatorName)
{
    /// <summary>Drains a node or ends that; false when there is none of this name. Throws <see cref="StorageException"/>.</summary>
    public ValueTask<bool> DrainAsync(string name, bool drain, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var batch = source.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(NodeSql.SetOperator) { Parameters = { new() { Value = operatorName } } });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(drain ? NodeSql.Drain : NodeSql.Undrain) { Parameters = { new() { Value = name } } });
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                return await reader.ReadAsync(cancellationToken).ConfigureAwait(false) && reader.GetString(0) == "done";
            });
}
