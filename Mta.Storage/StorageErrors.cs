using System.Net.Sockets;
using Npgsql;

namespace Mta.Storage;

/// <summary>Turns what Npgsql throws into the one exception that leaves the store.</summary>
public static class StorageErrors
{
    /// <summary>Raised by mta.maildrop_finish: another node has enqueued this mail from maildrop.</summary>
    private const string MaildropEnqueuedBefore = "MTA01";

    /// <summary>Runs an operation of the store and maps its failure.</summary>
    public static async ValueTask<T> MapAsync<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation().ConfigureAwait(false);
        }
        catch (Exception e) when (IsDatabaseFailure(e))
        {
            throw Map(e);
        }
    }

    public static bool IsDatabaseFailure(Exception e) =>
        e is NpgsqlException or SocketException or IOException or TimeoutException or ObjectDisposedException;

    public static StorageException Map(Exception e) => new(Classify(e), Describe(e), e);

    /// <summary>True for an error in the data itself: another try with the same data fails in the same way.</summary>
    public static bool IsDataError(Exception e) =>
        e is PostgresException { SqlState: { Length: 5 } state } && state[..2] is "22" or "23"
        || e is PostgresException { SqlState: PostgresErrorCodes.ProgramLimitExceeded or MaildropEnqueuedBefore }
        || e is InvalidCastException or ArgumentException;

    /// <summary>True when a table or schema is missing that the migrations make.</summary>
    public static bool IsWithoutSchema(StorageException e) =>
        e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName };

    /// <summary>True when the disk of the database is full.</summary>
    public static bool IsDiskFull(Exception? e) => e is PostgresException { SqlState: PostgresErrorCodes.DiskFull };

    /// <summary>True when the server said that the transaction was rolled back; false when the fate of its COMMIT is open.</summary>
    public static bool IsCertainlyRolledBack(Exception e) =>
        e is PostgresException p && !p.SqlState.StartsWith("57P", StringComparison.Ordinal) && p.Severity is "ERROR";

    private static StorageFailure Classify(Exception e) =>
        e is PostgresException p && !p.IsTransient && p.SqlState[..2] is "22" or "23" or "42" or "0A"
            ? StorageFailure.Fatal
            : StorageFailure.Retry;

    private static string Describe(Exception e) => e switch
    {
        PostgresException p => $"database: {p.MessageText} (SQLSTATE {p.SqlState})",
        // How .NET calls a Unix socket that does not exist.
        NpgsqlException { InnerException: SocketException { SocketErrorCode: SocketError.AddressNotAvailable } } when e.Message.Contains("/.s.PGSQL.", StringComparison.Ordinal)
            => $"database: {e.Message}: no server listens there (is it running, and is this its directory of sockets?)",
        NpgsqlException { InnerException: { } inner } => $"database: {e.Message}: {inner.Message}",
        _ => $"database: {e.Message}",
    };
}
