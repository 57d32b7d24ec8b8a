using System.Diagnostics;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class ANodeStoppedForLongerThanItsLeaseCountsNothingTwice
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>After it the sink answers a final dot.</summary>
    private static readonly TimeSpan Answer = TimeSpan.FromMilliseconds(300);

    // What the history says of each recipient, and by whom.
    private const string History = "SELECT concat_ws(' ', ctid, message_id, recipient_number, node, action, at) FROM mta.delivery_log";

    [Fact]
    public async Task What_a_node_stopped_for_twice_its_lease_was_delivering_counts_once_and_is_counted_as_possible_duplicates()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = new CountingSink(Answer);
        await using var cluster = await MtaCluster.StartAsync(
            2, token, $"node_lease_time = {Lease.TotalSeconds}s\nnode_takeover_grace = 1s\nrelayhost = [127.0.0.1]:{sink.Port}");
        var (stopped, other) = (cluster.Nodes[0], cluster.Nodes[1]);
        await using var load = Load.Start(stopped, "a@elsewhere.test", sessions: 3, pace: TimeSpan.FromMilliseconds(50));
        await Until.TrueAsync(() => load.Accepted.Count >= 200 && sink.Messages.Count >= 50, "the load", token);

        // It stands still while final dots wait for their answers, which come and find nobody.
        await stopped.SignalAsync("STOP", token);
        var frozen = Stopwatch.GetTimestamp();
        await Until.TrueAsync(() => Stopwatch.GetElapsedTime(frozen) > 2 * Answer && sink.Messages.Count == sink.Copies.Count, "the sink has answered all", token);
        var owned = await cluster.ColumnAsync<string>("SELECT a.message_id FROM mta_store.active a JOIN mta.node n USING (epoch) WHERE n.name = 'node0'", token);
        var subjects = owned.Select(id => id.Trim('<', '>').Split('@')[0]).ToHashSet();
        var inFlight = sink.Copies.Select(c => c.Subject).Where(subjects.Contains).ToList();
        inFlight.ShouldNotBeEmpty();

        await other.WaitForLogAsync("node node0 is silent", token);
        await cluster.WaitForEmptyQueueAsync(token);
        await Until.TrueAsync(() => Stopwatch.GetElapsedTime(frozen) > 2 * Lease, "twice the lease has passed", token);
        var before = await cluster.ColumnAsync<string>(History, token);
        (await cluster.ScalarAsync<decimal>("SELECT sum(possible_duplicates) FROM mta.node", token)).ShouldBe(0);

        // What it has to say of them changes nothing, and is counted: for each that went out twice, and for no other.
        await stopped.SignalAsync("CONT", token);
        await stopped.WaitForLogAsync("it goes on under a new epoch", token);
        await Until.TrueAsync(
            async () => await cluster.ScalarAsync<long>("SELECT possible_duplicates FROM mta.node WHERE name = 'node0'", token) >= inFlight.Count, "possible duplicates are counted", token);
        before.Except(await cluster.ColumnAsync<string>(History, token)).ShouldBeEmpty();

        var accepted = load.Accepted.Count;
        await Until.TrueAsync(() => load.Accepted.Count >= accepted + 100, "mail is accepted again", token);
        await load.StopAsync();
        await cluster.WaitForEmptyQueueAsync(token);
        load.PermanentRefusals.ShouldBeEmpty();
        var copies = sink.Copies.CountBy(c => c.Subject).ToDictionary();
        load.Accepted.Except(copies.Keys).ShouldBeEmpty();
        copies.Where(c => c.Value > 1).Select(c => c.Key).Order().ShouldBe(inFlight.Order());
        (await cluster.ScalarAsync<long>("SELECT possible_duplicates FROM mta.node WHERE name = 'node0'", token)).ShouldBe(inFlight.Count);
        (await cluster.ScalarAsync<string>("SELECT count(*) || ' ' || count(DISTINCT message_id) FROM mta.delivery_log", token)).ShouldBe($"{copies.Count} {copies.Count}");
        (await stopped.PostfixAsync("status", token)).Output.ShouldContain($"possible duplicates: {inFlight.Count}\n");
    }
}
