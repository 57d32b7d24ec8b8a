using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class ANodeCutOffFromItsDatabaseFencesItselfAndComesBack
{
    /// <summary>What happens to connections when the network is cut, and when it heals.</summary>
    public enum Cut
    {
        Reset,
        SilentThenReset,
        SilentForGood,
    }

    [Theory]
    [InlineData(Cut.Reset)]
    [InlineData(Cut.SilentThenReset)]
    [InlineData(Cut.SilentForGood)]
    public async Task A_node_cut_off_from_its_database_fences_itself_and_comes_back(Cut cut)
    {
        var token = TestContext.Current.CancellationToken;
        await using var server = DatabaseServer.Start();
        await using var network = new TcpProxy(server.Port);
        await using var cluster = await MtaCluster.StartAsync([DatabaseServer.UrlBy(network.Port), server.Url, server.Url], () => server, token, FaultTraffic.MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        var time = new FaultTime(5);
        do
        {
            await traffic.FlowsAsync(50, token);
            if (cut != Cut.Reset)
            {
                // Commits are under way all the time: some end in the hole.
                network.Swallow();
                await Until.TrueAsync(() => network.Swallowed > 0, "bytes are lost", token);
            }
            else
            {
                network.Refuse();
            }

            await traffic.NoteCutOffAsync(0, token);
            await traffic.RefusesAsync(0, token);
            await traffic.TakenOverAsync(0, token);
            await traffic.FlowsAsync(50, token, 1, 2);
            network.Heal(reset: cut != Cut.SilentForGood);
            await traffic.FlowsAsync(50, token);
        }
        while (!time.IsOver);

        await traffic.CheckAsync(token);
        (await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.node WHERE state = 'live'", token)).ShouldBe(3);
    }
}
