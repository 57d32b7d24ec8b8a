using System.Buffers;
using Mta.Core.Queue;
using Mta.Core.Showq;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Showq;

/// <summary>
/// Lists all mail of all nodes, in one snapshot and in bounded memory however much there is. It goes through each queue by id, page by page: so
/// the first lines are there at once, whatever plan the whole of it would get.
/// </summary>
public sealed class QueueLister(DatabasePool source)
{
    private const string Columns = "SELECT m.id, m.size, m.sender, m.flags, NULL::text, r.address, r.original, r.reason FROM ";

    private const string Page = " WHERE id > $1 ORDER BY id LIMIT $2) m";

    private const string Recipients = " LEFT JOIN mta_store.recipient r ON r.message_id = m.id ORDER BY m.id, r.number";

    private const int FirstPage = 50;
    private const int LargestPage = 1000;

    // In the order in which showq(8) goes through the queues.
    private static readonly (string Queue, string Sql)[] Queues =
    [
        ("maildrop", "SELECT m.id, m.size, m.sender, m.flags, NULL::text, r.address, NULL::text, NULL::text FROM " +
            "(SELECT * FROM mta_store.maildrop WHERE upload_xact IS NULL AND id > $1 ORDER BY id LIMIT $2) m, " +
            "unnest(m.recipients) WITH ORDINALITY r(address, number) ORDER BY m.id, r.number"),
        ("active", "SELECT m.id, m.size, m.sender, m.flags, n.name, r.address, r.original, r.reason FROM (SELECT * FROM mta_store.active" + Page +
            " LEFT JOIN mta.node n ON n.epoch = m.epoch" + Recipients),
        ("incoming", Columns + "(SELECT * FROM mta_store.incoming" + Page + Recipients),
        ("deferred", Columns + "(SELECT * FROM mta_store.deferred" + Page + Recipients),
        ("hold", Columns + "(SELECT * FROM mta_store.hold" + Page + Recipients),
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
                var last = new NpgsqlParameter<long> { TypedValue = -1 };
                var limit = new NpgsqlParameter<int>();
                command.Parameters.Add(last);
                command.Parameters.Add(limit);
                var more = true;
                for (var page = FirstPage; more; page = Math.Min(page * 4, LargestPage))
                {
                    int messages;
                    limit.TypedValue = page;
                    await using (var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
                    {
                        (messages, last.TypedValue) = await ListAsync(queue, reader, listing, output, flush, cancellationToken).ConfigureAwait(false);
                    }

                    if (output.WrittenCount > 0)
                    {
                        await flush(cancellationToken).ConfigureAwait(false);
                    }

                    more = messages == page;
                }
            }
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }

        listing.End(output);
        await flush(cancellationToken).ConfigureAwait(false);
    }

    /// <returns>The number of messages, and the id of the last one.</returns>
    private static async Task<(int Messages, long Last)> ListAsync(
        string queue, NpgsqlDataReader reader, IQueueListing listing, ArrayBufferWriter<byte> output, Func<CancellationToken, ValueTask> flush, CancellationToken cancellationToken)
    {
        const int enough = 32768;
        var last = -1L;
        var messages = 0;
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var id = reader.GetInt64(0);
            if (id != last)
            {
                last = id;
                messages++;
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

        return (messages, last);
    }
}
