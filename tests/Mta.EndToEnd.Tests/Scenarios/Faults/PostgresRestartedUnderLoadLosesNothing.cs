using Mta.EndToEnd.Tests.Harness;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class PostgresRestartedUnderLoadLosesNothing
{
    [Theory]
    [InlineData("fast")]
    [InlineData("immediate")]
    public async Task Postgres_restarted_under_load_loses_nothing_and_no_node_needs_a_restart(string mode)
    {
        var token = TestContext.Current.CancellationToken;
        await using var server = DatabaseServer.Start();
        await using var cluster = await MtaCluster.StartAsync([server.Url, server.Url, server.Url], () => server, token, FaultTraffic.MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        var time = new FaultTime(5);
        do
        {
            await traffic.FlowsAsync(50, token);
            server.Stop(mode);
            server.StartAgain();
        }
        while (!time.IsOver);

        await traffic.FlowsAsync(50, token);
        await traffic.CheckAsync(token);
    }
}
