using System.Globalization;
using Mta.Testing;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>Several nodes over one database on a server of the tests, with a sink that all their mail goes to.</summary>
internal sealed class MtaCluster : IAsyncDisposable
{
    private readonly TestDatabase database;
    private readonly List<MtaInstance> nodes = [];

    private MtaCluster(TestDatabase database, SmtpSink sink)
    {
        this.database = database;
        Sink = sink;
    }

    public SmtpSink Sink { get; }

    public IReadOnlyList<MtaInstance> Nodes => nodes;

    /// <param name="count">Nodes, named node0 and so on.</param>
    /// <param name="mainCf">For all of them.</param>
    /// <param name="masterCf">Lines of master.cf for the first one, which override the built-in ones.</param>
    public static async Task<MtaCluster> StartAsync(int count, CancellationToken cancellationToken, string mainCf = "", string masterCf = "")
    {
        var cluster = new MtaCluster(await TestDatabase.CreateAsync(), await SmtpSink.StartAsync(cancellationToken));
        try
        {
            for (var i = 0; i < count; i++)
            {
                cluster.nodes.Add(await MtaInstance.StartAsync(
                    cancellationToken,
                    string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{cluster.Sink.Port}\ndatabase_url = {cluster.database.ConnectionString}\nnode_name = node{i}\n{mainCf}"),
                    i == 0 ? masterCf : ""));
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task<T> ScalarAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
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
        await database.DisposeAsync();
    }
}
