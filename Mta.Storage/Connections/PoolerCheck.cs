using System.Globalization;
using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>
/// Refuses a connection pooler (PgBouncer and its like) between us and PostgreSQL. The queue's statements count on their session: its role,
/// the planner settings that keep plans on the primary keys, prepared statements, LISTEN. A pooler in transaction mode takes these away
/// without an error, and mail would be delivered slower and slower, or by a role that may do too much.
/// </summary>
internal static class PoolerCheck
{
    /// <summary>
    /// PostgreSQL tells a client the process id of its own backend; a pooler makes up another number, for it hands out backends later.
    /// Throws <see cref="StorageException"/>.
    /// </summary>
    public static async Task RefusePoolerAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_backend_pid()", connection);
        var backend = (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        if (backend != connection.ProcessID)
        {
            throw new StorageException(StorageFailure.Fatal, string.Create(
                CultureInfo.InvariantCulture,
                $"database_url: a connection pooler such as PgBouncer answers at {connection.Host}:{connection.Port}; the mail system needs sessions of PostgreSQL itself: " +
                $"name the server (a node keeps a few connections of its own, README.md has their number). Applications may call mta.submit through the pooler"));
        }
    }
}
