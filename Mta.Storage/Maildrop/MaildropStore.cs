using System.Runtime.CompilerServices;
using Mta.Core.Queue;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Maildrop;

/// <summary>
/// Maildrop as pickup sees it. A message that was taken stays in its row until the transaction that enqueues it deletes the row
/// (<see cref="MaildropSql.Finish"/>); a pickup that dies leaves it to another one when the lease ends. All methods throw <see cref="StorageException"/>.
/// </summary>
public sealed class MaildropStore(DatabasePool database)
{
    /// <summary>Takes at most <paramref name="maximum"/> messages that nobody works on, oldest first.</summary>
    public async Task<IReadOnlyList<MaildropMessage>> TakeAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.CreateCommand(MaildropSql.Take);
            command.Parameters.Add(new() { Value = maximum });
            command.Parameters.Add(new() { Value = lease });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            var messages = new List<MaildropMessage>();
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                messages.Add(Read(reader));
            }

            return messages;
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    /// <summary>The content of a message, piece by piece.</summary>
    public async IAsyncEnumerable<byte[]> ReadContentAsync(MaildropMessage message, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var chunk = 0; chunk < message.ChunkCount; chunk++)
        {
            yield return await ReadChunkAsync(message.Id, chunk, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Gives a message back; it is taken again after <paramref name="delay"/>.</summary>
    public Task ReleaseAsync(QueueId id, TimeSpan delay, CancellationToken cancellationToken) =>
        ExecuteAsync(MaildropSql.Release, id.Value, delay, cancellationToken);

    /// <summary>Deletes a message that nobody is to be told of.</summary>
    public Task DiscardAsync(QueueId id, CancellationToken cancellationToken) => ExecuteAsync(MaildropSql.Discard, id.Value, null, cancellationToken);

    /// <summary>Deletes what was committed half made, and old marks of files.</summary>
    public Task SweepAsync(CancellationToken cancellationToken) => ExecuteAsync(MaildropSql.Sweep, null, null, cancellationToken);

    /// <summary>Forgets a file of the spool directory that is unlinked for good.</summary>
    public Task ForgetFileAsync(Guid name, CancellationToken cancellationToken) => ExecuteAsync(MaildropSql.UnmarkFile, name, null, cancellationToken);

    private async Task<byte[]> ReadChunkAsync(QueueId id, int chunk, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.CreateCommand(MaildropSql.ReadChunk);
            command.Parameters.Add(new() { Value = id.Value });
            command.Parameters.Add(new() { Value = chunk });
            return (byte[]?)await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false)
                ?? throw new StorageException(StorageFailure.Conflict, $"maildrop: chunk {chunk} of {id} is gone");
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    private async Task ExecuteAsync(string sql, object? first, object? second, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.CreateCommand(sql);
            foreach (var value in new[] { first, second })
            {
                if (value is not null)
                {
                    command.Parameters.Add(new() { Value = value });
                }
            }

            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    private static MaildropMessage Read(NpgsqlDataReader row) => new()
    {
        Id = new QueueId(row.GetInt64(0)),
        Sender = row.GetString(1),
        Recipients = row.GetFieldValue<string[]>(2),
        Notify = (DsnNotify)row.GetInt16(3),
        Return = (DsnReturn)row.GetInt16(4),
        EnvelopeId = row.IsDBNull(5) ? null : row.GetString(5),
        Flags = (EnvelopeFlags)row.GetInt32(6),
        UserId = row.IsDBNull(7) ? null : row.GetInt64(7),
        SubmittedBy = row.GetString(8),
        Size = row.GetInt64(9),
        ChunkCount = row.GetInt32(10),
        Attempts = row.GetInt32(11),
    };
}
