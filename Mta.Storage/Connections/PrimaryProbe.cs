using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>One connection to one of several servers, over which it is asked again and again whether it takes writes.</summary>
/// <param name="writable">Asks for a session that may write, not only for a server that is no standby.</param>
internal sealed class PrimaryProbe(NpgsqlDataSource source, bool writable)
{
    // The file's name begins with the timeline that the server writes; that of the last checkpoint may be the one before a promotion.
    private const string Ask =
        """
        SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
            current_setting('transaction_read_only')::bool
        """;

    private NpgsqlConnection? connection;

    /// <summary>The timeline that the server writes; 0 when it takes no writes.</summary>
    public async Task<int> AskAsync()
    {
        connection ??= await source.OpenConnectionAsync(CancellationToken.None).ConfigureAwait(false);
        await using var command = new NpgsqlCommand(Ask, connection);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
        await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
        return writable && reader.GetBoolean(1) ? 0 : reader.GetInt32(0);
    }

    /// <summary>Closes the connection once a question that nobody waits for any longer has ended by itself.</summary>
    public async Task EndAsync(Task asking)
    {
        await asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            if (connection is not null)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is InvalidOperationException)
        {
            // It is going away: a failure to say goodbye changes nothing.
        }
    }
}
