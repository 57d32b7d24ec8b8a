using System.Diagnostics;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class TheOtherNodesTakeOverFromADeadOne
{
    [Fact]
    public async Task The_other_nodes_take_over_from_a_dead_one_within_thirty_seconds()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(3, token);
        await using var first = Load.Start(cluster.Nodes[0], "a@elsewhere.test", 5, "a");
        await using var second = Load.Start(cluster.Nodes[1], "a@elsewhere.test", 5, "b");
        await using var third = Load.Start(cluster.Nodes[2], "a@elsewhere.test", 5, "c");
        await Until.TrueAsync(() => first.Accepted.Count >= 100 && second.Accepted.Count >= 100 && third.Accepted.Count >= 100, "the load", token);

        cluster.Nodes[0].Kill();
        var killed = Stopwatch.GetTimestamp();
        var inFlight = cluster.Nodes[0].InFlight();
        var others = second.Accepted.Count;
        await Until.TrueAsync(() => second.Accepted.Count >= others + 100, "the others go on", token);
        await Task.WhenAll(first.StopAsync(), second.StopAsync(), third.StopAsync());

        await cluster.WaitForEmptyQueueAsync(token);
        await Until.TrueAsync(() => cluster.ScalarAsync<bool>("SELECT state = 'ended' FROM mta.node WHERE name = 'node0'", token), "the take-over", token);
        await cluster.WaitForEmptyQueueAsync(token);
        Stopwatch.GetElapsedTime(killed).ShouldBeLessThan(TimeSpan.FromSeconds(30));
        var arrived = cluster.Sink.Messages().Select(m => m.Subject).ToList();
        first.Accepted.Concat(second.Accepted).Concat(third.Accepted).Except(arrived).ShouldBeEmpty();
        (arrived.Count - arrived.Distinct().Count()).ShouldBeLessThanOrEqualTo(inFlight);
    }
}
