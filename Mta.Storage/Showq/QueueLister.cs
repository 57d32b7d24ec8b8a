using System.Buffers;
using Mta.Core.Queue;
using Mta.Core.Showq;
using Npgsql;

namespace Mta.Storage.Showq;

/// <summary>Lists all mail of all nodes, in one snapshot and in bounded memory however much there is.</summary>
public sealed class QueueLister(NpgsqlDataSource source)
{
    private const string Columns = "SELECT m.id, m.size, m.sender, m.flags, NULL::text, r.address, r.original, r.reason FROM ";

    private const string OwnedColumns = "SELECT m.id, m.size, m.sender, m.flags, n.name, r.address, r.original, r.reason FROM ";

    private const string Recipients = " LEFT JOIN mta_store.recipient r ON r.message_id = m.id ORDER BY m.id, r.number";

    // In the order in which showq(8) goes through the queues.
    private static readonly (string Queue, string Sql)[] Queues =
    [
        ("maildrop", "SELECT m.id, m.size, m.sender, m.flags, NULL::text, r.address, NULL::text, NULL::text FROM mta_store.maildrop m, " +
            "unnest(m.recipients) WITH ORDINALITY r(address, number) WHERE m.upload_xact IS NULL ORDER BY m.id, r.number"),
        ("active", OwnedColumns + "mta_store.active m LEFT JOIN mta.node n ON n.epoch = m.epoch" + Recipients),
        ("incoming", Columns + "mta_store.incoming m" + Recipients),
        ("deferred", Columns + "mta_store.deferred m" + Recipients),
        ("hold", Columns + "mta_store.hold m" + Recipients),
    ];

    /// <summary>Writes the listing; <paramref name="flush"/> is called whenever some of it is ready. Throws <see cref="StorageException"/>.</summary>
    public async Task ListAsync(
        IQueueListing listing, ArrayBufferWriter<byte> output, Func<CancellationToken, ValueTask> flush, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken).ConfigureAwait(false);
            foreach (var (queue, sql) in Queues)
            {
                await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await ListAsync(queue, reader, listing, output, flush, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }

        listing.End(output);
        await flush(cancellationToken).ConfigureAwait(false);
    }

    private static async Task ListAsync(
        string queue, NpgsqlDataReader reader, IQueueListing listing, ArrayBufferWriter<byte> output, Func<CancellationToken, ValueTask> flush, CancellationToken cancellationToken)
    {
        const int enough = 32768;
        var last = -1L;
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var id = reader.GetInt64(0);
            if (id != last)
            {
                last = id;
                listing.Message(
                    new ListedMessage
                    {
                        Queue = queue,
                        Id = new QueueId(id),
                        Size = reader.GetInt64(1),
                        Sender = reader.GetString(2),
                        ForcedExpire = ((EnvelopeFlags)reader.GetInt32(3)).HasFlag(EnvelopeFlags.ForceExpire),
                        Node = reader.IsDBNull(4) ? null : reader.GetString(4),
                    },
                    output);
            }

            if (!reader.IsDBNull(5))
            {
                listing.Recipient(reader.GetString(5), reader.IsDBNull(6) ? null : reader.GetString(6), reader.IsDBNull(7) ? null : reader.GetString(7), output);
            }

            if (output.WrittenCount > enough)
            {
                await flush(cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
