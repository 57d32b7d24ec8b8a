using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>What an administrator asks of deferred mail.</summary>
public sealed class QueueRequests(DatabasePool source)
{
    /// <summary>All deferred mail is due now (postqueue -f).</summary>
    public ValueTask<int> FlushAllAsync(CancellationToken cancellationToken) => ExecuteAsync([QueueSql.FlushAll], null, cancellationToken);

    /// <summary>
    /// The deferred mail of one site is due now (postqueue -s): what its next hop is named after, and what has recipients in that domain
    /// and goes by another next hop.
    /// </summary>
    public ValueTask<int> FlushSiteAsync(string site, CancellationToken cancellationToken) =>
        ExecuteAsync([QueueSql.FlushDestination, QueueSql.FlushRecipientDomain], site, cancellationToken);

    /// <summary>One deferred message is due now (postqueue -i); 0 when it is not deferred.</summary>
    public ValueTask<int> FlushMessageAsync(long messageId, CancellationToken cancellationToken) =>
        ExecuteAsync([QueueSql.FlushMessage], messageId, cancellationToken);

    /// <summary>The statements in one transaction, and word of it to all nodes; the number of destinations that have due mail by it.</summary>
    private ValueTask<int> ExecuteAsync(string[] statements, object? argument, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var batch = source.CreateBatch();
                foreach (var statement in statements)
                {
                    var command = new NpgsqlBatchCommand(statement);
                    if (argument is not null)
                    {
                        command.Parameters.AddWithValue(argument);
                    }

                    batch.BatchCommands.Add(command);
                }

                batch.BatchCommands.Add(new NpgsqlBatchCommand(NodeSql.Notify) { Parameters = { new() { Value = Channels.Flush } } });
                return Math.Max(0, await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false));
            });
}
