using System.Data;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>
/// Transactions that end epochs. They wait for what the epoch's own transactions hold; a node that was frozen, or cut off, in the middle of
/// one would make them wait for ever. Such a session waits for its client, and is ended: a commit, however slow, waits for the disk or for
/// a standby and is left alone.
/// </summary>
/// <param name="source">Connections of the daemon.</param>
/// <param name="control">Connections as the role that all sessions of ours log in as, which may end them.</param>
internal sealed class EpochChanges(DatabasePool source, DatabasePool control)
{
    // Longer than a living client takes between two parts of a transaction.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Runs one statement in a transaction; the limit is for the statement.</summary>
    public async Task<T> RunAsync<T>(string sql, object[] arguments, Func<NpgsqlDataReader, T> read, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, source.Moved);
        try
        {
            return await RunOnceAsync(sql, arguments, read, limit, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("another server has become the primary");
        }
    }

    private async Task<T> RunOnceAsync<T>(string sql, object[] arguments, Func<NpgsqlDataReader, T> read, TimeSpan limit, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);

        // Asked for inside the transaction: with a pooler in between it is another backend each time.
        await using var ask = new NpgsqlCommand(NodeSql.BackendId, connection);
        var backend = (int)(await ask.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = (int)Math.Ceiling(limit.TotalSeconds) };
        foreach (var argument in arguments)
        {
            command.Parameters.AddWithValue(argument);
        }

        var work = ReadAsync(command, read, cancellationToken);
        while (await Task.WhenAny(work, Task.Delay(Patience, cancellationToken)).ConfigureAwait(false) != work && !cancellationToken.IsCancellationRequested)
        {
            await EndFrozenAsync(backend, cancellationToken).ConfigureAwait(false);
        }

        var result = await work.ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return result;
    }

    private static async Task<T> ReadAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SingleRow, cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return read(reader);
    }

    private async Task EndFrozenAsync(int waiting, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = control.CreateCommand(NodeSql.EndFrozen);
            command.Parameters.AddWithValue(waiting);
            command.Parameters.AddWithValue(Patience.TotalSeconds);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            // The statement that waits has a limit of its own.
        }
    }
}
