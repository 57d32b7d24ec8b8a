using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class NodesAreUpgradedOneByOne
{
    [Fact]
    public async Task Each_node_is_drained_stopped_started_and_undrained_under_load_and_nothing_is_lost_or_comes_twice()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(3, token);
        var loads = cluster.Nodes.Select((node, i) => Load.Start(node, "a@elsewhere.test", 3, $"n{i}.")).ToList();
        foreach (var node in cluster.Nodes)
        {
            var before = loads.Sum(l => l.Accepted.Count);
            await Until.TrueAsync(() => loads.Sum(l => l.Accepted.Count) >= before + 50, "the load", token);
            (await node.PostfixAsync("drain", token)).Succeeded();
            var name = node == cluster.Nodes[0] ? "node0" : node == cluster.Nodes[1] ? "node1" : "node2";
            await Until.TrueAsync(
                () => cluster.ScalarAsync<bool>($"SELECT state = 'drained' AND active_messages = 0 FROM mta.node_status WHERE name = '{name}'", token), "it is empty", token);
            (await node.PostfixAsync("stop", token)).Succeeded();
            (await node.PostfixAsync("start", token)).Succeeded();
            (await node.PostfixAsync("undrain", token)).Succeeded();
        }

        foreach (var load in loads)
        {
            var accepted = load.Accepted.Count;
            await Until.TrueAsync(() => load.Accepted.Count > accepted, "each takes mail again", token);
            await load.StopAsync();
        }

        await cluster.WaitForEmptyQueueAsync(token);
        loads.SelectMany(l => l.PermanentRefusals).ShouldBeEmpty();

        // What a session did not hear the answer to, when the load was stopped, may have come too; but each once.
        var arrived = cluster.Sink.Messages().Select(m => m.Subject).ToList();
        loads.SelectMany(l => l.Accepted).Except(arrived).ShouldBeEmpty();
        arrived.Count.ShouldBe(arrived.Distinct().Count());
        (await cluster.ScalarAsync<decimal>("SELECT sum(possible_duplicates) FROM mta.node", token)).ShouldBe(0);
    }
}
