using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Maps;

/// <summary>
/// The database of a pgsql_table(5), which is an administrator's own and not this system's. Hosts are tried in random order; one that
/// failed is left alone for a minute while others answer. Connections close after a minute of idleness.
/// </summary>
public sealed class ForeignDatabase : IAsyncDisposable
{
    private const string Inet = "inet:";
    private const string Unix = "unix:";
    private static readonly TimeSpan LeftAlone = TimeSpan.FromMinutes(1);

    private readonly Host[] hosts;
    private readonly TimeProvider time;

    /// <param name="hosts">As the parameter hosts has them: <c>host:port</c>, a directory of a socket, or a postgresql:// URL.</param>
    /// <exception cref="ArgumentException">A host cannot be read.</exception>
    public ForeignDatabase(IEnumerable<string> hosts, string user, string password, string database, TimeProvider time)
    {
        this.time = time;
        this.hosts = [.. hosts.DefaultIfEmpty("localhost").Select(h => new Host(NpgsqlDataSource.Create(Connection(h, user, password, database))))];
    }

    /// <summary>All values of all rows; SQL null is an empty text.</summary>
    /// <exception cref="StorageException">No host answered the query.</exception>
    public async Task<List<string>> QueryAsync(string sql, CancellationToken cancellationToken)
    {
        StorageException? failure = null;
        var order = hosts.ToArray();
        Random.Shared.Shuffle(order);
        foreach (var host in order.OrderBy(h => h.IsLeftAlone(time)))
        {
            try
            {
                var values = await QueryAsync(host.Source, sql, cancellationToken).ConfigureAwait(false);
                host.FailedAt = 0;
                return values;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidCastException)
            {
                host.FailedAt = time.GetTimestamp();
                failure = new StorageException(StorageFailure.Retry, e.Message, e);
            }
        }

        throw failure!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in hosts)
        {
            await host.Source.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task<List<string>> QueryAsync(NpgsqlDataSource source, string sql, CancellationToken cancellationToken)
    {
        var values = new List<string>();
        await using var command = source.CreateCommand(sql);

        // Text, whatever the types of the columns are.
        command.AllResultTypesAreUnknown = true;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            for (var column = 0; column < reader.FieldCount; column++)
            {
                values.Add(await reader.IsDBNullAsync(column, cancellationToken).ConfigureAwait(false) ? "" : reader.GetString(column));
            }
        }

        return values;
    }

    private static string Connection(string host, string user, string password, string database)
    {
        var isUrl = host.StartsWith("postgresql://", StringComparison.Ordinal) || host.StartsWith("postgres://", StringComparison.Ordinal);
        var builder = !isUrl ? OfName(host)
            : DatabaseUrl.TryParse(host, out var url, out var problem) ? url.ToConnection()
            : throw new ArgumentException(problem);
        builder.Username ??= user.Length > 0 ? user : null;
        builder.Password ??= password.Length > 0 ? password : null;
        builder.Database ??= database.Length > 0 ? database : null;
        builder.ConnectionIdleLifetime = 60;
        builder.MaxPoolSize = 10;
        builder.Timeout = 10;
        builder.CommandTimeout = 30;
        builder.Options = "-c standard_conforming_strings=on";
        builder.ApplicationName = "mta table";
        return builder.ConnectionString;
    }

    private static NpgsqlConnectionStringBuilder OfName(string host)
    {
        host = host.StartsWith(Inet, StringComparison.Ordinal) || host.StartsWith(Unix, StringComparison.Ordinal) ? host[Inet.Length..] : host;
        var builder = new NpgsqlConnectionStringBuilder();
        var colon = host is ['/', ..] ? -1 : host.LastIndexOf(':');
        builder.Host = colon < 0 ? host : host[..colon];
        if (colon >= 0)
        {
            builder["Port"] = host[(colon + 1)..];
        }

        return builder;
    }

    private sealed class Host(NpgsqlDataSource source)
    {
        public NpgsqlDataSource Source => source;

        public long FailedAt { get; set; }

        public bool IsLeftAlone(TimeProvider time) => FailedAt != 0 && time.GetElapsedTime(FailedAt) < LeftAlone;
    }
}
