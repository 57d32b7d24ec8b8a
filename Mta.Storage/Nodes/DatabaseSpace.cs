using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>How much room there is. Null means that nobody can tell.</summary>
/// <param name="Free">Bytes free on the disk of the database; the least of all disks that it uses.</param>
/// <param name="Size">Bytes that the database takes, without its WAL.</param>
/// <param name="Asked">The database was asked, which costs more than a look at a disk.</param>
public readonly record struct SpaceReading(long? Free, long? Size, bool Asked);

/// <summary>Measures the disk of the database: from outside where it is on this machine, else by asking it.</summary>
public sealed class DatabaseSpace : IAsyncDisposable
{
    private const string Measure = "SELECT mta.free_space(), CASE WHEN $1 THEN pg_database_size(current_database()) END";

    private const string Vacuum = "VACUUM (SKIP_LOCKED) mta_store.content, mta_store.recipient, mta_store.active, mta_store.incoming, mta_store.deferred";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly DatabasePool source;
    private readonly DatabasePool login;
    private readonly string? found;

    /// <param name="source">Where the database is asked.</param>
    public DatabaseSpace(Database database, DatabasePool source)
    {
        this.source = source;
        login = database.CreateDataSource(DatabaseRole.Login, "space", 2, c => c.CommandTimeout = 0);
        found = database.LocalDirectory;
    }

    /// <summary>Reads what there is to read; a database that does not answer leaves what the disk itself tells.</summary>
    /// <param name="directory">The data directory when an administrator has named it; empty to find it.</param>
    public async ValueTask<SpaceReading> ReadAsync(string directory, bool withSize, CancellationToken cancellationToken)
    {
        var path = directory.Length > 0 ? directory : found;
        var free = path is null ? null : Least(FreeOf(path), FreeOf(Path.Combine(path, "pg_wal")));
        if (free is not null && !withSize)
        {
            return new SpaceReading(free, null, Asked: false);
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Limit);
            await using var command = source.CreateCommand(Measure);
            command.Parameters.AddWithValue(withSize);
            await using var reader = await command.ExecuteReaderAsync(limit.Token).ConfigureAwait(false);
            await reader.ReadAsync(limit.Token).ConfigureAwait(false);
            return new SpaceReading(
                Least(free, reader.IsDBNull(0) ? null : reader.GetInt64(0)), reader.IsDBNull(1) ? null : reader.GetInt64(1), Asked: true);
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new SpaceReading(free, null, Asked: true);
        }
    }

    /// <summary>Has the server use its WAL files again instead of making new ones, where the login may ask for it.</summary>
    public ValueTask CheckpointAsync(CancellationToken cancellationToken) => TryAsync("CHECKPOINT", cancellationToken);

    /// <summary>
    /// Gives the empty ends of the queue's tables back to the disk, where the login may. Autovacuum does not come for the last few rows, and while
    /// nobody may send mail no more will go.
    /// </summary>
    public ValueTask VacuumAsync(CancellationToken cancellationToken) => TryAsync(Vacuum, cancellationToken);

    public ValueTask DisposeAsync() => login.DisposeAsync();

    private async ValueTask TryAsync(string sql, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = login.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is OperationCanceledException)
        {
            // It may not, or there is no server: the WAL stays within max_wal_size all the same, and autovacuum comes by.
        }
    }

    private static long? Least(long? one, long? other) => one is { } a && other is { } b ? Math.Min(a, b) : one ?? other;

    // What ordinary users may still write, of which the server is one.
    private static long? FreeOf(string path)
    {
        try
        {
            return new DriveInfo(path).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
