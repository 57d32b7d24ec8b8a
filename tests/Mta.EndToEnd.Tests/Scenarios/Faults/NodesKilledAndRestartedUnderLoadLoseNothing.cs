using Mta.EndToEnd.Tests.Harness;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class NodesKilledAndRestartedUnderLoadLoseNothing
{
    [Fact]
    public async Task Nodes_killed_and_restarted_under_load_lose_nothing()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(3, token, FaultTraffic.MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        var time = new FaultTime(15);
        for (var node = 0; !time.IsOver; node = (node + 1) % 3)
        {
            await traffic.FlowsAsync(30, token);
            await traffic.KillAsync(node, token);
            (await cluster.Nodes[node].PostfixAsync("start", token)).Succeeded();
        }

        await traffic.FlowsAsync(30, token);
        await traffic.CheckAsync(token);
    }
}
