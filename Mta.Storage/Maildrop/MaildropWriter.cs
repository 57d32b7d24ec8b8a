using Mta.Core.Queue;
using Mta.Storage.Connections;
using Npgsql;
using NpgsqlTypes;

namespace Mta.Storage.Maildrop;

/// <summary>Puts mail into maildrop, as the submit role may.</summary>
public sealed class MaildropWriter(DatabasePool database)
{
    // Large enough for few round trips, small enough that the parameter of a 50 MB message is not 50 MB on either side.
    private const int PieceSize = 1 << 20;

    /// <summary>Hands in one message; the id is given only after COMMIT. Throws <see cref="StorageException"/>.</summary>
    /// <param name="submission">The envelope.</param>
    /// <param name="content">Read to its end, LF line ends.</param>
    /// <param name="cancellationToken">Not honoured once the commit is sent.</param>
    public Task<QueueId> SubmitAsync(Submission submission, Stream content, CancellationToken cancellationToken) =>
        SubmitAsync(submission, content, mark: null, cancellationToken)!;

    /// <summary>
    /// Hands in a file of the spool directory, at most once in all: null when the same file was handed in before.
    /// Unlink the file then, make that durable, and call <see cref="MaildropStore.ForgetFileAsync"/>.
    /// </summary>
    /// <param name="name">The unique name that the file was made with.</param>
    /// <param name="submission">The envelope.</param>
    /// <param name="content">Read to its end, LF line ends.</param>
    /// <param name="cancellationToken">Not honoured once the commit is sent.</param>
    public async Task<QueueId?> SubmitFileAsync(Guid name, Submission submission, Stream content, CancellationToken cancellationToken)
    {
        var id = await SubmitAsync(submission, content, name, cancellationToken).ConfigureAwait(false);
        return id == default ? null : id;
    }

    private async Task<QueueId> SubmitAsync(Submission submission, Stream content, Guid? mark, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            if (mark is { } name && !await MarkAsync(connection, name, cancellationToken).ConfigureAwait(false))
            {
                return default;
            }

            var id = await BeginAsync(connection, submission, cancellationToken).ConfigureAwait(false);
            await AppendAllAsync(connection, id, content, cancellationToken).ConfigureAwait(false);
            await using var end = new NpgsqlCommand(MaildropSql.End, connection) { Parameters = { new() { Value = id.Value } } };
            await end.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);

            // A commit that was cancelled may have happened: mail that the caller then spools would be sent twice.
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            return id;
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    private static async Task<bool> MarkAsync(NpgsqlConnection connection, Guid name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(MaildropSql.MarkFile, connection) { Parameters = { new() { Value = name } } };
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1;
    }

    private static async Task<QueueId> BeginAsync(NpgsqlConnection connection, Submission submission, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(MaildropSql.Begin, connection)
        {
            Parameters =
            {
                new() { Value = submission.Sender },
                new() { Value = submission.Recipients.ToArray() },
                new() { Value = (object?)submission.NotifyWords ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = (object?)submission.ReturnWord ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = (object?)submission.EnvelopeId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = (int)submission.Flags },
                new() { Value = (object?)submission.UserId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint },
            },
        };
        return new QueueId((long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!);
    }

    private static async Task AppendAllAsync(NpgsqlConnection connection, QueueId id, Stream content, CancellationToken cancellationToken)
    {
        var buffer = new byte[PieceSize];
        int read;
        while ((read = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)) > 0)
        {
            await using var command = new NpgsqlCommand(MaildropSql.Append, connection)
            {
                Parameters = { new() { Value = id.Value }, new() { Value = buffer.AsMemory(0, read) } },
            };
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
