using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class LimitsOfADestinationHoldForAllNodes
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_slots_over_three_nodes_are_both_used_never_exceeded_and_freed_when_their_holder_is_killed()
    {
        await using var sink = new CountingSink(TimeSpan.FromMilliseconds(20));
        await using var cluster = await StartAsync(sink, "smtp_destination_concurrency_limit = 2\nnode_lease_time = 5s\nnode_takeover_grace = 1s");
        await SendAsync(cluster, 60);
        await Until.TrueAsync(() => Seen(sink, "n0.") && Seen(sink, "n1.") && Seen(sink, "n2."), "mail of all three nodes", Cancel);
        await Until.TrueAsync(() => sink.Messages.Count >= 180, "all messages", Cancel);
        sink.MostTransactions.ShouldBe(2);
        sink.MostSessions.ShouldBe(2);
        await Until.TrueAsync(
            async () => await cluster.ScalarAsync<long>("SELECT count(*) FROM mta_store.destination_share", Cancel) == 0, "shares that nobody uses are given back", Cancel);

        // Whoever holds slots dies; the others have them after the take-over, and its mail.
        await SendAsync(cluster, 100, "again");
        await Until.TrueAsync(() => sink.Messages.Count >= 190, "the second load", Cancel);
        var holder = await cluster.ScalarAsync<string>(
            "SELECT n.name FROM mta_store.destination_share s JOIN mta.node n ON n.epoch = s.epoch WHERE s.granted > 0 ORDER BY random() LIMIT 1", Cancel);
        cluster.Nodes[int.Parse(holder.AsSpan(4), CultureInfo.InvariantCulture)].Kill();
        await cluster.WaitForEmptyQueueAsync(Cancel);
        await Until.TrueAsync(() => sink.Messages.Select(m => m.Subject).Distinct().Count() == 480, "all messages", Cancel);
        sink.MostTransactions.ShouldBe(2);
    }

    [Fact]
    public async Task A_rate_delay_holds_between_deliveries_of_different_nodes()
    {
        await using var sink = new CountingSink(TimeSpan.Zero);
        await using var cluster = await StartAsync(sink, "smtp_destination_rate_delay = 1s");
        await SendAsync(cluster, 3);
        await Until.TrueAsync(() => sink.Messages.Count >= 9, "all messages", Cancel);
        Gaps(sink).ShouldAllBe(g => g >= TimeSpan.FromMilliseconds(990));
        Gaps(sink).Max().ShouldBeLessThan(TimeSpan.FromSeconds(4), "the token goes from hand to hand");
    }

    [Fact]
    public async Task A_rate_delay_of_a_transport_holds_for_all_its_destinations_and_nodes()
    {
        await using var sink = new CountingSink(TimeSpan.Zero);
        await using var cluster = await StartAsync(sink, $"smtp_transport_rate_delay = 1s\nrelayhost =\ntransport_maps = inline:{{ {{ b.test = smtp:[127.0.0.1]:{sink.Port} }}, {{ a.test = smtp:[localhost]:{sink.Port} }} }}");
        for (var node = 0; node < 3; node++)
        {
            await using var client = await cluster.Nodes[node].ConnectAsync(Cancel);
            (await client.SendMailAsync("s@client.test", ["x@a.test"], TestMail.Make($"a{node}", "x\n"), Cancel)).ShouldStartWith("250");
            (await client.SendMailAsync("s@client.test", ["x@b.test"], TestMail.Make($"b{node}", "x\n"), Cancel)).ShouldStartWith("250");
        }

        await Until.TrueAsync(() => sink.Messages.Count >= 6, "all messages", Cancel);
        Gaps(sink).ShouldAllBe(g => g >= TimeSpan.FromMilliseconds(990));
    }

    [Fact]
    public async Task What_one_node_finds_dead_the_others_do_not_try_until_it_lives()
    {
        await using var sink = new CountingSink(TimeSpan.Zero) { Serves = false };
        await using var cluster = await StartAsync(sink, "minimal_backoff_time = 8s\nmaximal_backoff_time = 10s\nsmtp_destination_concurrency_failed_cohort_limit = 1\nsmtp_initial_destination_concurrency = 1");
        await SendAsync(cluster.Nodes[0], "first", 1);
        await cluster.Nodes[0].WaitForLogAsync("status=deferred (", Cancel);
        await Until.TrueAsync(async () => await cluster.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM mta.destination WHERE dead_until > now())", Cancel), "it is known as dead", Cancel);
        var found = DateTime.UtcNow;
        await Until.TrueAsync(() => DateTime.UtcNow - found >= TimeSpan.FromSeconds(1), "the others look", Cancel);
        var connections = sink.Connections;

        await SendAsync(cluster.Nodes[1], "second", 5);
        await SendAsync(cluster.Nodes[2], "third", 5);
        var line = await cluster.Nodes[1].WaitForLogAsync("status=deferred (delivery temporarily suspended: ", Cancel);
        line.ShouldContain("postfix/error[");
        line.ShouldContain("421 4.3.2 not now");
        await cluster.Nodes[2].WaitForLogAsync("status=deferred (delivery temporarily suspended: ", Cancel);
        await Until.TrueAsync(() => DateTime.UtcNow - found >= TimeSpan.FromSeconds(5), "nothing happens", Cancel);
        sink.Connections.ShouldBe(connections);

        // It is back: few try, and one success tells all.
        sink.Serves = true;
        await Until.TrueAsync(() => sink.Messages.Count >= 11, "all mail", Cancel);
        await cluster.WaitForEmptyQueueAsync(Cancel);
        (await cluster.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM mta.destination WHERE dead_until > now())", Cancel)).ShouldBeFalse();
    }

    private static Task<MtaCluster> StartAsync(CountingSink sink, string mainCf) =>
        MtaCluster.StartAsync(3, Cancel, string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{sink.Port}\n{mainCf}"));

    private static bool Seen(CountingSink sink, string prefix) => sink.Messages.Any(m => m.Subject.StartsWith(prefix, StringComparison.Ordinal));

    private static TimeSpan[] Gaps(CountingSink sink)
    {
        var all = sink.Messages.OrderBy(m => m.From).ToArray();
        return [.. all.Skip(1).Zip(all, (next, before) => next.From - before.From)];
    }

    private static Task SendAsync(MtaCluster cluster, int count, string name = "") =>
        Task.WhenAll(cluster.Nodes.Select((node, i) => SendAsync(node, string.Create(CultureInfo.InvariantCulture, $"n{i}.{name}"), count)));

    private static async Task SendAsync(MtaInstance node, string name, int count)
    {
        await using var client = await node.ConnectAsync(Cancel);
        for (var i = 0; i < count; i++)
        {
            (await client.SendMailAsync("s@client.test", ["a@elsewhere.test"], TestMail.Make($"{name}.{i}", "x\n"), Cancel)).ShouldStartWith("250");
        }
    }
}
