using Mta.Storage.Migrations;
using Npgsql;

namespace Mta.Testing;

/// <summary>A PostgreSQL server for one test alone, which may stop it, break it and change its settings. Needs the server programs on the machine.</summary>
public sealed class OwnServer : IAsyncDisposable
{
    private readonly PrivateCluster cluster;

    private OwnServer(PrivateCluster cluster) => this.cluster = cluster;

    /// <summary>A superuser's connection string to a database with this program's schema.</summary>
    public string ConnectionString => new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { MaxPoolSize = 50, Pooling = true }.ConnectionString;

    public static async Task<OwnServer> StartAsync()
    {
        var cluster = PrivateCluster.Start()
            ?? throw new InvalidOperationException("this test stops and breaks its server: install the PostgreSQL server programs (apt-get install postgresql)");
        var server = new OwnServer(cluster);
        await new SchemaMigrator(server.ConnectionString).MigrateAsync(CancellationToken.None).ConfigureAwait(false);
        return server;
    }

    /// <summary>As if the machine had lost power.</summary>
    public void StopImmediate() => cluster.StopServer("immediate");

    public void Start() => cluster.StartServer();

    /// <summary>Sets a parameter of the server (ALTER SYSTEM) and loads it.</summary>
    public async Task SetAsync(string parameter, string value)
    {
        await ExecuteAsync($"ALTER SYSTEM SET {parameter} = '{value}'").ConfigureAwait(false);
        await ExecuteAsync("SELECT pg_reload_conf()").ConfigureAwait(false);
    }

    /// <summary>From here on every commit waits for a synchronous standby that does not exist.</summary>
    public async Task LoseStandbyAsync()
    {
        await SetAsync("synchronous_standby_names", "missing").ConfigureAwait(false);

        // The server takes the setting some time after the reload: until a commit has been seen to wait.
        while (true)
        {
            await using var probe = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
            await probe.OpenAsync().ConfigureAwait(false);
            await using var command = new NpgsqlCommand("COMMENT ON SCHEMA mta IS 'probe'", probe);
            var commit = command.ExecuteNonQueryAsync();
            while (!commit.IsCompleted)
            {
                if (await ScalarAsync<bool>($"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = {probe.ProcessID} AND wait_event = 'SyncRep'").ConfigureAwait(false))
                {
                    await commit.ConfigureAwait(false);
                    return;
                }
            }
        }
    }

    public Task ExecuteAsync(string sql) => ScalarAsync<object>(sql);

    /// <summary>The first value; the default when there is none. On a connection of its own, which waits for no standby.</summary>
    public async Task<T?> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString)
        {
            Pooling = false,
            Options = "-c synchronous_commit=local",
        }.ConnectionString);
        await connection.OpenAsync().ConfigureAwait(false);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync().ConfigureAwait(false) is T value ? value : default;
    }

    public ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        cluster.Stop();
        return ValueTask.CompletedTask;
    }
}
