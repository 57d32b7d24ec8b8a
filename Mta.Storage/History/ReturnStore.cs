using Mta.Core.Delivery;
using Mta.Storage.Connections;
using Mta.Storage.Queue;
using Npgsql;

namespace Mta.Storage.History;

/// <summary>Writes into the history that mail was returned to its sender before it came into the queue.</summary>
/// <param name="node">The node that did so.</param>
public sealed class ReturnStore(DatabasePool source, string node)
{
    private const string Write =
        """
        INSERT INTO mta.delivery_log (message_id, recipient_number, node, action, sender, recipient, size, transport, relay, dsn,
              delay_before_queue, delay_in_queue, delay_connection, delay_transmission, reason)
        SELECT $1, r.number - 1, $2, $3, $4, r.address, $5, $6, 'none', $7, 0, 0, 0, 0, $8
        FROM unnest($9::text[]) WITH ORDINALITY r(address, number)
        """;

    /// <summary>One row for each recipient. Throws <see cref="StorageException"/>; nothing is written then.</summary>
    /// <param name="service">Who returned it, as in the log.</param>
    public ValueTask<int> WriteAsync(
        long messageId, string sender, long size, IReadOnlyList<string> recipients, string service, string dsn, string reason, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Write);
                command.Parameters.AddWithValue(messageId);
                command.Parameters.AddWithValue(node);
                command.Parameters.AddWithValue((short)DeliveryAction.Bounced);
                command.Parameters.AddWithValue(StoredText.Clean(sender));
                command.Parameters.AddWithValue(size);
                command.Parameters.AddWithValue(service);
                command.Parameters.AddWithValue(dsn);
                command.Parameters.AddWithValue(StoredText.Clean(reason));
                command.Parameters.AddWithValue(recipients.Select(StoredText.Clean).ToArray());
                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            });
}
