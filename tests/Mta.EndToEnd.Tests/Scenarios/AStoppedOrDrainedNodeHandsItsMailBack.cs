using System.Diagnostics;
using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AStoppedOrDrainedNodeHandsItsMailBack
{
    private const int Count = 60;

    // The destination answers nobody, so that mail stays where it is; deliveries that are cut off then are tried again soon.
    private const string Patient = "minimal_backoff_time = 2s\nmaximal_backoff_time = 2s\nqueue_run_delay = 2s\n";

    [Fact]
    public async Task A_node_that_is_stopped_hands_its_mail_to_the_others_at_once_and_nothing_comes_twice()
    {
        var token = TestContext.Current.CancellationToken;
        var blocked = new BlockedDestination();
        var port = blocked.Port;
        await using var cluster = await MtaCluster.StartAsync(3, token, Relay(port) + Patient);
        await SendAsync(cluster.Nodes[0], token);
        await HeldAsync(cluster, "node = 'node0'", Count, token);

        var since = Stopwatch.GetTimestamp();
        (await cluster.Nodes[0].PostfixAsync("stop", token)).Succeeded();
        await HeldAsync(cluster, "node IN ('node1', 'node2')", Count, token);
        Stopwatch.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(15));

        await ArrivesOnceAsync(cluster, blocked, port, token);
        (await cluster.ScalarAsync<decimal>("SELECT sum(possible_duplicates) FROM mta.node", token)).ShouldBe(0);
    }

    [Fact]
    public async Task A_drained_node_refuses_mail_with_words_gives_back_what_it_has_and_stays_drained_over_a_restart()
    {
        var token = TestContext.Current.CancellationToken;
        var blocked = new BlockedDestination();
        var port = blocked.Port;

        // One delivery at a time is under way; it may end in its own time.
        await using var cluster = await MtaCluster.StartAsync(2, token, Relay(port) + Patient + "default_destination_concurrency_limit = 1\ninitial_destination_concurrency = 1\n");
        var (drained, other) = (cluster.Nodes[0], cluster.Nodes[1]);
        await SendAsync(drained, token);
        await HeldAsync(cluster, "node = 'node0'", Count, token);
        await using var open = await drained.ConnectAsync(token);
        await open.ExpectAsync("EHLO client.test", "250", token);
        await open.ExpectAsync("MAIL FROM:<a@client.test>", "250 ", token);
        await using var idle = await drained.ConnectAsync(token);
        await idle.ExpectAsync("EHLO client.test", "250", token);

        var since = Stopwatch.GetTimestamp();
        (await drained.PostfixAsync("drain", token)).Error.ShouldContain("draining node node0");
        await HeldAsync(cluster, "node = 'node1'", Count - 1, token);
        Stopwatch.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(10));

        // Whoever had begun to hand in a message ends it; it is another node's.
        await open.ExpectAsync("RCPT TO:<open@elsewhere.test>", "250 ", token);
        await open.ExpectAsync("DATA", "354 ", token);
        await open.ExpectAsync("Subject: open\r\n\r\nx\r\n.", "250 ", token);
        await HeldAsync(cluster, "node = 'node1'", Count, token);
        const string words = "421 4.3.2 mta.test Service not available: this server is drained for maintenance, try again later or another server";
        (await idle.SayAsync("MAIL FROM:<b@client.test>", token)).ShouldBe(words);
        (await idle.ReplyAsync(token)).ShouldBe("");
        (await Should.ThrowAsync<InvalidOperationException>(() => drained.ConnectAsync(token))).Message.ShouldContain(words);

        (await drained.PostfixAsync("stop", token)).Succeeded();
        (await drained.PostfixAsync("start", token)).Succeeded();
        (await Should.ThrowAsync<InvalidOperationException>(() => drained.ConnectAsync(token))).Message.ShouldContain(words);
        await HeldAsync(cluster, "node = 'node1'", Count + 1, token);
        (await other.PostfixAsync("undrain node0", token)).ExitCode.ShouldBe(1);
        (await other.RunAsync("postfix", ["undrain", "node0"], null, token)).Error.ShouldContain("node node0 takes mail again");
        await Until.TrueAsync(async () => await AcceptsAsync(drained, token), "the node takes mail again", token);
        await ArrivesOnceAsync(cluster, blocked, port, token, "open", "again");
    }

    private static string Relay(int port) => string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{port}\n");

    private static async Task<bool> AcceptsAsync(MtaInstance node, CancellationToken token)
    {
        try
        {
            await using var client = await node.ConnectAsync(token);
            return (await client.SendMailAsync("a@client.test", ["r@elsewhere.test"], TestMail.Make("again", "x\n"), token)).StartsWith("250 ", StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static async Task SendAsync(MtaInstance node, CancellationToken token)
    {
        await using var client = await node.ConnectAsync(token);
        for (var i = 0; i < Count; i++)
        {
            (await client.SendMailAsync("a@client.test", [$"r{i}@elsewhere.test"], TestMail.Make($"m{i}", "x\n"), token)).ShouldStartWith("250 ");
        }
    }

    private static Task HeldAsync(MtaCluster cluster, string where, int count, CancellationToken token) => Until.TrueAsync(
        async () => await cluster.ScalarAsync<long>($"SELECT count(*) FROM mta.active WHERE {where}", token) == count, $"{count} messages at {where}", token);

    private static async Task ArrivesOnceAsync(MtaCluster cluster, BlockedDestination blocked, int port, CancellationToken token, params string[] more)
    {
        blocked.Dispose();
        await using var sink = await SmtpSink.StartAtAsync(port, token);
        await cluster.WaitForEmptyQueueAsync(token);
        sink.Messages().Select(m => m.Subject).Order().ShouldBe(Enumerable.Range(0, Count).Select(i => $"m{i}").Concat(more).Order());
    }
}
