using System.Globalization;
using Mta.Testing;
using Npgsql;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>Several nodes over one database on a server of the tests, with a sink that all their mail goes to.</summary>
internal sealed class MtaCluster : IAsyncDisposable
{
    private readonly TestDatabase? database;
    private readonly Func<CancellationToken, Task<NpgsqlConnection>> connect;
    private readonly List<MtaInstance> nodes = [];

    private MtaCluster(TestDatabase? database, Func<CancellationToken, Task<NpgsqlConnection>> connect, SmtpSink sink)
    {
        this.database = database;
        this.connect = connect;
        Sink = sink;
    }

    public SmtpSink Sink { get; }

    public IReadOnlyList<MtaInstance> Nodes => nodes;

    /// <param name="count">Nodes, named node0 and so on.</param>
    /// <param name="mainCf">For all of them.</param>
    /// <param name="masterCf">Lines of master.cf for the first one, which override the built-in ones.</param>
    /// <param name="sql">What is in the database before the nodes start.</param>
    public static async Task<MtaCluster> StartAsync(int count, CancellationToken cancellationToken, string mainCf = "", string masterCf = "", string sql = "")
    {
        var database = await TestDatabase.CreateAsync();
        await using (var prepare = database.DataSource.CreateCommand(sql.Length > 0 ? sql : "SELECT 1"))
        {
            await prepare.ExecuteNonQueryAsync(cancellationToken);
        }

        var cluster = new MtaCluster(database, async t => await database.DataSource.OpenConnectionAsync(t), await SmtpSink.StartAsync(cancellationToken));
        return await cluster.StartAsync(count, _ => database.ConnectionString, mainCf, masterCf, cancellationToken);
    }

    /// <summary>Nodes over a server of the test's own, which does not end with the cluster.</summary>
    /// <param name="urls">The database_url of each node.</param>
    /// <param name="primary">The server that the test itself asks.</param>
    public static async Task<MtaCluster> StartAsync(
        IReadOnlyList<string> urls, Func<DatabaseServer> primary, CancellationToken cancellationToken, string mainCf = "") =>
        await new MtaCluster(null, t => primary().ConnectAsync(t), await SmtpSink.StartAsync(cancellationToken))
            .StartAsync(urls.Count, i => urls[i], mainCf, "", cancellationToken);

    private async Task<MtaCluster> StartAsync(int count, Func<int, string> url, string mainCf, string masterCf, CancellationToken cancellationToken)
    {
        try
        {
            for (var i = 0; i < count; i++)
            {
                nodes.Add(await MtaInstance.StartAsync(
                    cancellationToken,
                    string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{Sink.Port}\ndatabase_url = {url(i)}\nnode_name = node{i}\n{mainCf}"),
                    i == 0 ? masterCf : ""));
            }

            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task<T> ScalarAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = await connect(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>The first column of all rows.</summary>
    public async Task<List<T>> ColumnAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = await connect(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var values = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            values.Add(reader.GetFieldValue<T>(0));
        }

        return values;
    }

    /// <summary>Waits until no queue has mail.</summary>
    public Task WaitForEmptyQueueAsync(CancellationToken cancellationToken) => Until.TrueAsync(
        async () => await ScalarAsync<bool>(
            "SELECT NOT EXISTS (SELECT FROM mta_store.active) AND NOT EXISTS (SELECT FROM mta_store.incoming) AND NOT EXISTS (SELECT FROM mta_store.deferred)",
            cancellationToken),
        "the queue is empty",
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }

        await Sink.DisposeAsync();
        if (database is not null)
        {
            await database.DisposeAsync();
        }
    }
}
