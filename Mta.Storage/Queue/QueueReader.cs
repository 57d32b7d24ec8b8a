using Mta.Core.Queue;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Npgsql;
using NpgsqlTypes;

namespace Mta.Storage.Queue;

/// <summary>A message that was claimed from the database: this node owns it now.</summary>
/// <param name="ChunkCount">Pieces of content to read.</param>
/// <param name="Attempts">Rounds of delivery that went before.</param>
/// <param name="Warned">The sender has been told of the delay.</param>
public sealed record ClaimedMessage(Envelope Envelope, int ChunkCount, int Attempts, bool Warned)
{
    /// <summary>All recipients that are left, read along with the claim; null when they are many, and read in windows.</summary>
    public IReadOnlyList<Recipient>? Recipients { get; set; }

    /// <summary>The whole content, read along with the claim when it is small; null otherwise.</summary>
    public byte[]? Content { get; set; }
}

/// <param name="Flushed">An administrator asked for it: what is known against the destination does not count.</param>
/// <param name="WasDead">It was dead, and has still to show that it lives.</param>
public readonly record struct DueDestination(string Name, bool Flushed, bool WasDead);

/// <summary>Claims mail for a node, and reads recipients and content.</summary>
public sealed class QueueReader(DatabasePool source)
{
    /// <summary>
    /// Messages of one destination to claim at once: each may be on pages of its own, of four tables and their indexes, and none of them in a cache.
    /// </summary>
    public const int DeferredBatchMessages = 100;

    /// <summary>Messages with at most so many recipients are read with the claim of their batch.</summary>
    private const int PreloadedRecipients = 100;

    /// <summary>Bytes of content up to which it is read with the claim.</summary>
    private const int PreloadedContent = 65_536;

    /// <summary>Of a claim of deferred mail: the column after those of all queues.</summary>
    private const int DueColumn = 17;

    private readonly ClaimFloors floors = new(TimeProvider.System);

    /// <summary>Takes mail without an owner, with ids above <paramref name="floor"/>, oldest first.</summary>
    public ValueTask<IReadOnlyList<ClaimedMessage>> ClaimIncomingAsync(NodeEpoch node, long floor, int limit, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = Claim(QueueSql.ClaimIncoming, node);
                command.Parameters.AddWithValue(floor);
                command.Parameters.AddWithValue(limit);
                return await ClaimAsync(command, cancellationToken).ConfigureAwait(false);
            });

    /// <summary>Destinations that have due mail and are not suspended.</summary>
    public ValueTask<IReadOnlyList<DueDestination>> DueDestinationsAsync(int limit, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(QueueSql.DueDestinations);
                command.Parameters.AddWithValue(limit);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var due = new List<DueDestination>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    due.Add(new DueDestination(reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(2)));
                }

                return (IReadOnlyList<DueDestination>)due;
            });

    /// <summary>Takes due mail of one destination; sets the destination's next due time when it took all there was.</summary>
    public ValueTask<IReadOnlyList<ClaimedMessage>> ClaimDeferredAsync(
        NodeEpoch node, string destination, int limit, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                var floor = floors.Of(destination);
                await using var batch = source.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(QueueSql.FlushOf) { Parameters = { new() { Value = destination } } });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(QueueSql.ClaimDeferred)
                {
                    Parameters =
                    {
                        new() { Value = node.Name }, new() { Value = node.Epoch }, new() { Value = destination }, new() { Value = limit }, Time(floor),
                    },
                });
                DateTime? flush = null;
                var last = DateTime.MinValue;
                List<ClaimedMessage> messages = [];
                await using (var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
                {
                    while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        flush = reader.IsDBNull(0) ? null : reader.GetDateTime(0);
                    }

                    await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                    while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        messages.Add(ReadMessage(reader));
                        var due = reader.GetDateTime(DueColumn);
                        last = due > last ? due : last;
                    }
                }

                if (messages.Count == limit)
                {
                    floors.Raise(destination, last);
                }
                else
                {
                    floors.Forget(destination);
                    await RefreshAsync(destination, flush, floor, cancellationToken).ConfigureAwait(false);
                }

                return await PreloadAsync(messages).ConfigureAwait(false);
            });

    private async Task RefreshAsync(string destination, DateTime? flush, DateTime floor, CancellationToken cancellationToken)
    {
        try
        {
            await using var refresh = source.CreateCommand(QueueSql.RefreshDestination);
            refresh.Parameters.AddWithValue(destination);
            refresh.Parameters.Add(Time(flush));
            refresh.Parameters.Add(Time(floor));
            await refresh.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            // The claim stands. The destination is still due, and the next claim comes here again.
        }
    }

    /// <summary>What the epoch owns beside the given messages: rows of a commit whose answer was lost.</summary>
    public ValueTask<IReadOnlyList<ClaimedMessage>> OwnedBesideAsync(NodeEpoch node, long[] held, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(QueueSql.Owned);
                command.Parameters.AddWithValue(node.Epoch);
                command.Parameters.AddWithValue(held);
                return await ReadMessagesAsync(command, cancellationToken).ConfigureAwait(false);
            });

    /// <summary>Recipients of a message with numbers above <paramref name="after"/>, at most <paramref name="limit"/>.</summary>
    public ValueTask<IReadOnlyList<Recipient>> RecipientsAsync(long messageId, int after, int limit, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(QueueSql.RecipientWindow);
                command.Parameters.AddWithValue(messageId);
                command.Parameters.AddWithValue(after);
                command.Parameters.AddWithValue(limit);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var recipients = new List<Recipient>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    recipients.Add(ReadRecipient(reader, 0));
                }

                return (IReadOnlyList<Recipient>)recipients;
            });

    /// <summary>The reason for which an administrator returns a message.</summary>
    public ValueTask<string?> ReturnReasonAsync(long messageId, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(QueueSql.ReturnReason);
                command.Parameters.AddWithValue(messageId);
                return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as string;
            });

    /// <summary>One piece of content; null when it is missing.</summary>
    public ValueTask<byte[]?> ChunkAsync(long messageId, int chunk, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(QueueSql.ContentChunk);
                command.Parameters.AddWithValue(messageId);
                command.Parameters.AddWithValue(chunk);
                return (byte[]?)await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
            });

    /// <summary>Sets a message of ours aside that cannot be handled; false when it is not ours any more.</summary>
    public ValueTask<bool> MarkCorruptAsync(NodeEpoch node, long messageId, string reason, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = Claim(QueueSql.MarkCorrupt, node);
                command.Parameters.AddWithValue(messageId);
                command.Parameters.AddWithValue(StoredText.Clean(reason));
                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) > 0;
            });

    /// <summary>
    /// Claims, then reads recipients and contents of all small messages of the batch at once. The claim stands when that fails: what was not
    /// read is read message by message.
    /// </summary>
    private async Task<IReadOnlyList<ClaimedMessage>> ClaimAsync(NpgsqlCommand command, CancellationToken cancellationToken) =>
        await PreloadAsync(await ReadMessagesAsync(command, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task<IReadOnlyList<ClaimedMessage>> PreloadAsync(IReadOnlyList<ClaimedMessage> messages)
    {
        var small = messages.Where(m => m.Envelope.RecipientCount <= PreloadedRecipients).ToDictionary(m => m.Envelope.Id.Value);
        if (small.Count > 0)
        {
            try
            {
                await PreloadAsync(small, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
            {
                foreach (var message in messages)
                {
                    message.Recipients = null;
                    message.Content = null;
                }
            }
        }

        return messages;
    }

    private async Task PreloadAsync(Dictionary<long, ClaimedMessage> messages, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(QueueSql.Recipients) { Parameters = { new() { Value = messages.Keys.ToArray() } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(QueueSql.WholeContents)
        {
            Parameters =
            {
                new() { Value = messages.Values.Where(m => m.ChunkCount == 1 && m.Envelope.Size <= PreloadedContent).Select(m => m.Envelope.Id.Value).ToArray() },
            },
        });
        var recipients = messages.Keys.ToDictionary(id => id, _ => new List<Recipient>(1));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            recipients[reader.GetInt64(0)].Add(ReadRecipient(reader, 1));
        }

        foreach (var (id, list) in recipients)
        {
            messages[id].Recipients = list;
        }

        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            messages[reader.GetInt64(0)].Content = reader.GetFieldValue<byte[]>(1);
        }
    }

    private static Recipient ReadRecipient(NpgsqlDataReader reader, int column) => new()
    {
        Number = reader.GetInt32(column),
        Address = reader.GetString(column + 1),
        Original = Text(reader, column + 2),
        Notify = (DsnNotify)reader.GetInt16(column + 3),
        OriginalRecipient = Text(reader, column + 4),
    };

    private NpgsqlCommand Claim(string sql, NodeEpoch node)
    {
        var command = source.CreateCommand(sql);
        command.Parameters.AddWithValue(node.Name);
        command.Parameters.AddWithValue(node.Epoch);
        return command;
    }

    private static async Task<IReadOnlyList<ClaimedMessage>> ReadMessagesAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var messages = new List<ClaimedMessage>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            messages.Add(ReadMessage(reader));
        }

        return messages;
    }

    private static ClaimedMessage ReadMessage(NpgsqlDataReader reader)
    {
        var envelope = new Envelope
        {
            Id = new QueueId(reader.GetInt64(0)),
            Sender = reader.GetString(1),
            Size = reader.GetInt64(2),
            RecipientCount = reader.GetInt32(3),
            Flags = (EnvelopeFlags)reader.GetInt32(4),
            Return = (DsnReturn)reader.GetInt16(5),
            EnvelopeId = Text(reader, 6),
            ClientName = Text(reader, 7) ?? "localhost",
            ClientAddress = Text(reader, 8) ?? "127.0.0.1",
            ClientPort = reader.GetInt32(9),
            Protocol = Text(reader, 10) ?? "",
            Helo = Text(reader, 11) ?? "",
            MessageId = Text(reader, 12),
            Filter = Text(reader, 13),
        };
        return new ClaimedMessage(envelope, reader.GetInt32(14), reader.GetInt32(15), reader.GetBoolean(16));
    }

    private static NpgsqlParameter Time(DateTime? time) => new()
    {
        NpgsqlDbType = NpgsqlDbType.TimestampTz,
        Value = time is { } value ? DateTime.SpecifyKind(value, DateTimeKind.Utc) : DBNull.Value,
    };

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
