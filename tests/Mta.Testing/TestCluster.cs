using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Testing;

/// <summary>
/// The PostgreSQL server of this test process, started once: the one that MTA_TEST_DATABASE_URL names (in a form of database_url, of
/// a role that may create databases and roles), else a private cluster from the programs on the machine, else a container.
/// </summary>
public sealed class TestCluster
{
    private static readonly Lazy<Task<TestCluster>> Shared = new(StartAsync);

    private TestCluster(string connectionString, string origin)
    {
        ConnectionString = connectionString;
        Origin = origin;
    }

    /// <summary>A superuser's connection string, to the database postgres.</summary>
    public string ConnectionString { get; }

    /// <summary>Where the server comes from, for a test's output.</summary>
    public string Origin { get; }

    /// <summary>The server of this process; several test processes have several servers, or databases of their own in one.</summary>
    public static Task<TestCluster> GetAsync() => Shared.Value;

    /// <summary>The connection string with another database.</summary>
    public string For(string database) => new NpgsqlConnectionStringBuilder(ConnectionString) { Database = database }.ConnectionString;

    private static async Task<TestCluster> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("MTA_TEST_DATABASE_URL") is { Length: > 0 } url)
        {
            return DatabaseUrl.TryParse(url, out var parsed, out var problem) && !parsed.IsEmbedded
                ? new TestCluster(parsed.ToConnection().ConnectionString, "MTA_TEST_DATABASE_URL")
                : throw new InvalidOperationException($"MTA_TEST_DATABASE_URL: {problem ?? "names no server"}");
        }

        // Whoever names an image wants a container, also where the programs are installed.
        if (!ContainerCluster.IsAskedFor && PrivateCluster.Start() is { } cluster)
        {
            AppDomain.CurrentDomain.ProcessExit += (_, _) => cluster.Stop();
            return new TestCluster(cluster.ConnectionString, cluster.Directory);
        }

        var container = await ContainerCluster.StartAsync().ConfigureAwait(false);
        return new TestCluster(container, "container");
    }
}
