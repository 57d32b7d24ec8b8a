using Npgsql;

namespace Mta.Benchmarks.Scale;

/// <summary>A transaction that reads everything once and then stays open, as a long report does.</summary>
internal sealed class HeldSnapshot : IAsyncDisposable
{
    private static readonly string[] Views =
    [
        "mta.queue", "mta.maildrop", "mta.incoming", "mta.active", "mta.deferred", "mta.hold", "mta.corrupt", "mta.queue_recipient", "mta.delivery",
    ];

    private readonly NpgsqlConnection connection;
    private readonly NpgsqlTransaction transaction;

    private HeldSnapshot(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        this.connection = connection;
        this.transaction = transaction;
    }

    public static async Task<HeldSnapshot> OpenAsync(QueueDatabase database, CancellationToken cancellationToken)
    {
        var connection = await database.Source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken).ConfigureAwait(false);
        foreach (var view in Views)
        {
            await using var command = new NpgsqlCommand($"SELECT count(*) FROM (SELECT * FROM {view} LIMIT 100000) v", connection);
            await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
        }

        return new HeldSnapshot(connection, transaction);
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }
}
