using System.Runtime.CompilerServices;
using Mta.Core.Queue;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Showq;

/// <summary>Finds one message in whichever queue it is, and reads it. All methods throw <see cref="StorageException"/>.</summary>
public sealed class StoredMessageReader(DatabasePool source)
{
    private const string Columns =
        "id, sender, size, recipient_count, flags, dsn_return, envelope_id, client_name, client_address, client_port, protocol, helo, message_id, chunk_count";

    private const string Find =
        "SELECT 'active', " + Columns + " FROM mta_store.active WHERE id = $1 UNION ALL SELECT 'incoming', " + Columns + " FROM mta_store.incoming WHERE id = $1 " +
        "UNION ALL SELECT 'deferred', " + Columns + " FROM mta_store.deferred WHERE id = $1 UNION ALL SELECT 'hold', " + Columns + " FROM mta_store.hold WHERE id = $1 " +
        "UNION ALL SELECT 'corrupt', " + Columns + " FROM mta_store.corrupt WHERE id = $1 " +
        "UNION ALL SELECT 'maildrop', id, sender, size, cardinality(recipients), flags, dsn_return, envelope_id, NULL, NULL, 0, NULL, NULL, NULL, chunk_count " +
        "FROM mta_store.maildrop WHERE id = $1 AND upload_xact IS NULL";

    private const string Recipients =
        "SELECT number, address, original, notify, original_recipient FROM mta_store.recipient WHERE message_id = $1 " +
        "UNION ALL SELECT r.number::integer - 1, r.address, NULL, m.notify, NULL FROM mta_store.maildrop m, unnest(m.recipients) WITH ORDINALITY r(address, number) WHERE m.id = $1 " +
        "ORDER BY 1";

    private const string Chunk =
        "SELECT data FROM mta_store.content_chunk($1, $2) data WHERE data IS NOT NULL UNION ALL SELECT data FROM mta_store.maildrop_chunk WHERE message_id = $1 AND chunk = $2";

    /// <summary>Null when no queue has it.</summary>
    public async Task<StoredMessage?> FindAsync(QueueId id, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(Find);
            command.Parameters.AddWithValue(id.Value);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
                ? new StoredMessage(reader.GetString(0), ReadEnvelope(reader), reader.GetInt32(14))
                : null;
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    /// <summary>The recipients that are not finished, in order.</summary>
    public async Task<IReadOnlyList<Recipient>> RecipientsAsync(QueueId id, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(Recipients);
            command.Parameters.AddWithValue(id.Value);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            var recipients = new List<Recipient>();
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                recipients.Add(new Recipient
                {
                    Number = reader.GetInt32(0),
                    Address = reader.GetString(1),
                    Original = Text(reader, 2),
                    Notify = (DsnNotify)reader.GetInt16(3),
                    OriginalRecipient = Text(reader, 4),
                });
            }

            return recipients;
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    /// <summary>The content, piece by piece.</summary>
    public async IAsyncEnumerable<byte[]> ContentAsync(StoredMessage message, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var chunk = 0; chunk < message.ChunkCount; chunk++)
        {
            yield return await ChunkAsync(message.Envelope.Id, chunk, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<byte[]> ChunkAsync(QueueId id, int chunk, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(Chunk);
            command.Parameters.AddWithValue(id.Value);
            command.Parameters.AddWithValue(chunk);
            return (byte[]?)await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false)
                ?? throw new StorageException(StorageFailure.Conflict, $"{id}: the message has left the queue");
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    private static Envelope ReadEnvelope(NpgsqlDataReader reader) => new()
    {
        Id = new QueueId(reader.GetInt64(1)),
        Sender = reader.GetString(2),
        Size = reader.GetInt64(3),
        RecipientCount = reader.GetInt32(4),
        Flags = (EnvelopeFlags)reader.GetInt32(5),
        Return = (DsnReturn)reader.GetInt16(6),
        EnvelopeId = Text(reader, 7),
        ClientName = Text(reader, 8) ?? "localhost",
        ClientAddress = Text(reader, 9) ?? "127.0.0.1",
        ClientPort = reader.GetInt32(10),
        Protocol = Text(reader, 11) ?? "",
        Helo = Text(reader, 12) ?? "",
        MessageId = Text(reader, 13),
    };

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
