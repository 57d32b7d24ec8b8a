using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class ANodeStoppedForLongerThanItsLeaseDeliversNothingTwice
{
    [Fact]
    public async Task A_node_stopped_for_longer_than_its_lease_delivers_nothing_twice()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(2, token, "node_lease_time = 3s\nnode_takeover_grace = 1s");
        var (stopped, other) = (cluster.Nodes[0], cluster.Nodes[1]);
        await using var load = Load.Start(stopped, "a@elsewhere.test");
        await Until.TrueAsync(() => load.Accepted.Count >= 200, "the load", token);

        await stopped.SignalAsync("STOP", token);
        var inFlight = stopped.InFlight();
        await other.WaitForLogAsync("node node0 is silent", token);
        await cluster.WaitForEmptyQueueAsync(token);
        await stopped.SignalAsync("CONT", token);
        await stopped.WaitForLogAsync("it goes on under a new epoch", token);
        var before = load.Accepted.Count;
        await Until.TrueAsync(() => load.Accepted.Count >= before + 100, "mail is accepted again", token);
        await load.StopAsync();

        await cluster.WaitForEmptyQueueAsync(token);
        load.PermanentRefusals.ShouldBeEmpty();
        var arrived = cluster.Sink.Messages().Select(m => m.Subject).ToList();
        load.Accepted.Except(arrived).ShouldBeEmpty();
        (arrived.Count - arrived.Distinct().Count()).ShouldBeLessThanOrEqualTo(inFlight);
        (await cluster.ScalarAsync<long>("SELECT count(*) - count(DISTINCT message_id) FROM mta.delivery_log", token)).ShouldBe(0);
    }
}
