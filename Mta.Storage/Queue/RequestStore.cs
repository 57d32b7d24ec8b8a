using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>What an administrator may ask of a message that a node owns.</summary>
public enum RequestedAction
{
    Hold,
    Delete,
    Requeue,
    Expire,
    Bounce,

    /// <summary>No administrator's word in SQL: the node itself gives the message back to incoming, for it is drained or about to stop.</summary>
    HandBack,
}

/// <param name="InDelivery">The owner has said that it waits for a delivery.</param>
public readonly record struct PendingRequest(long MessageId, RequestedAction Action, bool InDelivery);

/// <summary>The requests and suspensions that concern a node, as of one moment.</summary>
/// <param name="HasUnowned">There are requests for mail that no node owns any more.</param>
/// <param name="Destinations">Suspended next hops, in lower case.</param>
/// <param name="Senders">Suspended senders and <c>@domain</c>s, in lower case.</param>
public sealed record AdministratorRequests(
    IReadOnlyList<PendingRequest> Requests, bool HasUnowned, IReadOnlyList<string> Destinations, IReadOnlyList<string> Senders);

/// <summary>Administrators' requests as the owner of messages sees them; see sql/migrations/0005_admin.sql.</summary>
public sealed class RequestStore(DatabasePool source)
{
    /// <summary>Reads what is asked; two small tables in one round trip.</summary>
    public ValueTask<AdministratorRequests> ReadAsync(NodeEpoch node, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var batch = source.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(QueueSql.PendingRequests) { Parameters = { new() { Value = node.Epoch } } });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(QueueSql.Suspensions));
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var requests = new List<PendingRequest>();
                var unowned = false;
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    if (reader.GetBoolean(3))
                    {
                        unowned = true;
                    }
                    else
                    {
                        requests.Add(new PendingRequest(reader.GetInt64(0), Enum.Parse<RequestedAction>(reader.GetString(1), ignoreCase: true), reader.GetBoolean(2)));
                    }
                }

                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                var destinations = new List<string>();
                var senders = new List<string>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    (reader.GetString(0) == "sender" ? senders : destinations).Add(reader.GetString(1));
                }

                return new AdministratorRequests(requests, unowned, destinations, senders);
            });

    /// <summary>Whoever asks again hears that a delivery is under way.</summary>
    public ValueTask<int> MarkInDeliveryAsync(long[] messageIds, CancellationToken cancellationToken) =>
        ExecuteAsync(QueueSql.MarkInDelivery, [messageIds], cancellationToken);

    /// <summary>Does what is asked of mail that no node owns any more.</summary>
    public ValueTask<int> ApplyUnownedAsync(CancellationToken cancellationToken) => ExecuteAsync(QueueSql.ApplyRequests, [], cancellationToken);

    /// <summary>Writes down that messages of ours expire, as their owner knows already.</summary>
    public ValueTask<int> ExpireOwnedAsync(NodeEpoch node, long[] messageIds, CancellationToken cancellationToken) =>
        ExecuteAsync(QueueSql.ExpireOwned, [node.Epoch, messageIds], cancellationToken);

    private ValueTask<int> ExecuteAsync(string sql, object[] arguments, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(sql);
                foreach (var argument in arguments)
                {
                    command.Parameters.AddWithValue(argument);
                }

                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            });
}
