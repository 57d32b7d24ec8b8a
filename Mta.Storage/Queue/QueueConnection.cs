using System.Data;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>
/// A connection of one writer: opened when first needed, thrown away after a failure. It has no command timeout: a COMMIT is never cancelled,
/// because a cancelled wait for a synchronous standby returns success.
/// </summary>
internal sealed class QueueConnection(NpgsqlDataSource source) : IAsyncDisposable
{
    private static readonly TimeSpan CloseLimit = TimeSpan.FromMilliseconds(200);

    private NpgsqlConnection? connection;
    private volatile bool committedWithWarning;

    public NpgsqlConnection? Current => connection;

    /// <summary>True once the server has warned (01000) since the last <see cref="OpenAsync"/>: a commit was not waited for.</summary>
    public bool CommittedWithWarning => committedWithWarning;

    /// <summary>The open connection; true when it is a new one, whose statements have to be prepared.</summary>
    public async ValueTask<(NpgsqlConnection Connection, bool IsNew)> OpenAsync(CancellationToken cancellationToken)
    {
        if (connection is { FullState: ConnectionState.Open } open && !committedWithWarning)
        {
            return (open, false);
        }

        await BreakAsync().ConfigureAwait(false);
        committedWithWarning = false;
        var fresh = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        fresh.Notice += (_, e) => committedWithWarning |= e.Notice.SqlState is "01000" || e.Notice.SqlState.StartsWith("57P", StringComparison.Ordinal);
        connection = fresh;
        return (fresh, true);
    }

    /// <summary>Gives the connection up; its session ends on the server when it notices.</summary>
    public async ValueTask BreakAsync()
    {
        if (connection is { } old)
        {
            connection = null;
            NpgsqlConnection.ClearPool(old);

            // A statement without an answer (a COMMIT that waits for its standby) would make the closing wait for it: that goes on by itself.
            var closing = CloseAsync(old);
            await Task.WhenAny(closing, Task.Delay(CloseLimit)).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => BreakAsync();

    private static async Task CloseAsync(NpgsqlConnection old)
    {
        try
        {
            await old.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is InvalidOperationException)
        {
            // It is going away: a failure to say goodbye changes nothing.
        }
    }
}
