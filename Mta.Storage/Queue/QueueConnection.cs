using System.Data;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>
/// A connection of one writer: opened when first needed, thrown away after a failure. It has no command timeout: a COMMIT is never cancelled,
/// because a cancelled wait for a synchronous standby returns success.
/// </summary>
internal sealed class QueueConnection(DatabasePool source) : IAsyncDisposable
{
    private static readonly TimeSpan CloseLimit = TimeSpan.FromMilliseconds(200);

    private NpgsqlConnection? connection;
    private CancellationToken moved;
    private Task running = Task.CompletedTask;
    private volatile bool committedWithWarning;

    public NpgsqlConnection? Current => connection;

    /// <summary>True once the server has warned (01000) since the last <see cref="OpenAsync"/>: a commit was not waited for.</summary>
    public bool CommittedWithWarning => committedWithWarning;

    /// <summary>The open connection; true when it is a new one, whose statements have to be prepared.</summary>
    public async ValueTask<(NpgsqlConnection Connection, bool IsNew)> OpenAsync(CancellationToken cancellationToken)
    {
        if (connection is { FullState: ConnectionState.Open } open && !committedWithWarning && !moved.IsCancellationRequested)
        {
            return (open, false);
        }

        await BreakAsync().ConfigureAwait(false);
        committedWithWarning = false;
        moved = source.Moved;
        var fresh = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        fresh.Notice += (_, e) => committedWithWarning |= e.Notice.SqlState is "01000" || e.Notice.SqlState.StartsWith("57P", StringComparison.Ordinal);
        connection = fresh;
        return (fresh, true);
    }

    /// <summary>
    /// Waits for a statement no longer than the limit, and no longer than the server is the primary. The statement itself goes on: a token of
    /// its own would ask the server to cancel it, and a cancelled commit claims success.
    /// </summary>
    public async ValueTask<int> WithinAsync(Task<int> execution, TimeSpan limit)
    {
        running = execution;
        return await (execution.IsCompleted ? execution : execution.WaitAsync(limit, moved)).ConfigureAwait(false);
    }

    /// <summary>Gives the connection up; its session ends on the server when it notices.</summary>
    public async ValueTask BreakAsync()
    {
        if (connection is { } old)
        {
            connection = null;
            NpgsqlConnection.ClearPool(old);

            // A statement without an answer (a COMMIT that waits for its standby) would make the closing wait for it: that goes on by itself.
            var closing = CloseAsync(old, running);
            await Task.WhenAny(closing, Task.Delay(CloseLimit)).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => BreakAsync();

    // Not before the statement has ended, late as it may be: two who read from one connection take the answer away from each other, and the
    // session stays for ever.
    private static async Task CloseAsync(NpgsqlConnection old, Task statement)
    {
        await statement.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
