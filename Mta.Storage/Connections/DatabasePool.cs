using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>
/// Connections of one purpose to the server that takes writes. Of several servers it is always the one that the watch of the primary names
/// at that moment; what is idle on another one is closed.
/// </summary>
public sealed class DatabasePool : IAsyncDisposable
{
    private readonly NpgsqlDataSource[] sources;
    private readonly PrimaryWatch? watch;

    internal DatabasePool(NpgsqlDataSource[] sources, PrimaryWatch? watch)
    {
        this.sources = sources;
        this.watch = watch;
        if (watch is not null)
        {
            watch.Left += Leave;
        }
    }

    public string ConnectionString => Current.ConnectionString;

    /// <summary>Cancelled when another server has become the primary: what still hangs on the one before may be given up.</summary>
    public CancellationToken Moved => watch?.Moved ?? CancellationToken.None;

    private NpgsqlDataSource Current => sources[watch?.Current ?? 0];

    /// <summary>A source of Npgsql's as it is.</summary>
    public static DatabasePool FromNpgsqlDataSource(NpgsqlDataSource source) => new([source], null);

    public static implicit operator DatabasePool(NpgsqlDataSource source) => FromNpgsqlDataSource(source);

    public ValueTask<NpgsqlConnection> OpenConnectionAsync(CancellationToken cancellationToken = default) => Current.OpenConnectionAsync(cancellationToken);

    /// <summary>A command that takes a connection for itself when it is executed.</summary>
    public NpgsqlCommand CreateCommand(string sql) => Current.CreateCommand(sql);

    /// <summary>A batch that takes a connection for itself when it is executed.</summary>
    public NpgsqlBatch CreateBatch() => Current.CreateBatch();

    public async ValueTask DisposeAsync()
    {
        if (watch is not null)
        {
            watch.Left -= Leave;
        }

        foreach (var source in sources)
        {
            await source.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Leave(int server) => sources[server].Clear();
}
