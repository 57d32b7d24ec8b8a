using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>What administrators do with nodes, by the functions that SQL clients call too.</summary>
public sealed class NodeAdministration(NpgsqlDataSource source)
{
    /// <summary>Drains a node or ends that; false when there is none of this name. Throws <see cref="StorageException"/>.</summary>
    public ValueTask<bool> DrainAsync(string name, bool drain, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(drain ? "SELECT mta.drain_node($1)" : "SELECT mta.undrain_node($1)");
                command.Parameters.AddWithValue(name);
                return (string)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))! == "done";
            });
}
