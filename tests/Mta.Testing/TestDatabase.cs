using System.Globalization;
using Mta.Storage.Migrations;
using Npgsql;

namespace Mta.Testing;

/// <summary>A database of its own for one test, with the schema in it. Copied from a template, which is migrated once a process.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private static readonly Lazy<Task<string>> Template = new(MakeTemplateAsync);
    private static int last;

    private readonly TestCluster cluster;

    private TestDatabase(TestCluster cluster, string name)
    {
        this.cluster = cluster;
        Name = name;
        ConnectionString = cluster.For(name);
        DataSource = NpgsqlDataSource.Create(ConnectionString);
    }

    public string Name { get; }

    /// <summary>A superuser's connection string.</summary>
    public string ConnectionString { get; }

    public NpgsqlDataSource DataSource { get; }

    /// <summary>A database with this program's schema.</summary>
    public static async Task<TestDatabase> CreateAsync()
    {
        var cluster = await TestCluster.GetAsync().ConfigureAwait(false);
        return await CreateAsync(cluster, await Template.Value.ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>A database with nothing in it.</summary>
    public static async Task<TestDatabase> CreateEmptyAsync() =>
        await CreateAsync(await TestCluster.GetAsync().ConfigureAwait(false), "template0").ConfigureAwait(false);

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync().ConfigureAwait(false);
        await ExecuteAsync(cluster, $"DROP DATABASE IF EXISTS {Name} WITH (FORCE)").ConfigureAwait(false);
    }

    private static async Task<TestDatabase> CreateAsync(TestCluster cluster, string template)
    {
        var name = NewName("mta_test");
        await ExecuteAsync(cluster, $"CREATE DATABASE {name} TEMPLATE {template}").ConfigureAwait(false);
        return new TestDatabase(cluster, name);
    }

    private static async Task<string> MakeTemplateAsync()
    {
        var cluster = await TestCluster.GetAsync().ConfigureAwait(false);
        var name = NewName("mta_template");
        await ExecuteAsync(cluster, $"CREATE DATABASE {name} TEMPLATE template0").ConfigureAwait(false);
        await new SchemaMigrator(cluster.For(name)).MigrateAsync(CancellationToken.None).ConfigureAwait(false);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => DropTemplate(cluster, name);
        return name;
    }

    // A private cluster is gone by then with all that is in it; a server from the environment stays and is to stay clean.
    private static void DropTemplate(TestCluster cluster, string name)
    {
        try
        {
            ExecuteAsync(cluster, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)").GetAwaiter().GetResult();
        }
        catch (NpgsqlException)
        {
        }
    }

    private static string NewName(string kind) =>
        string.Create(CultureInfo.InvariantCulture, $"{kind}_{Environment.ProcessId}_{Random.Shared.Next():x8}_{Interlocked.Increment(ref last)}");

    private static async Task ExecuteAsync(TestCluster cluster, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync().ConfigureAwait(false);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }
}
