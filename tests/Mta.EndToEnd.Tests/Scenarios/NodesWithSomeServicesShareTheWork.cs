using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class NodesWithSomeServicesShareTheWork
{
    [Fact]
    public async Task What_a_node_that_only_receives_accepts_is_delivered_by_one_that_only_delivers()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(2, token);
        var (receiver, deliverer) = (cluster.Nodes[0], cluster.Nodes[1]);
        await WithoutAsync(receiver, ["qmgr/unix", "smtp/unix", "relay/unix", "local/unix", "virtual/unix", "lmtp/unix", "error/unix", "retry/unix", "discard/unix"], token);
        await WithoutAsync(deliverer, [$"127.0.0.1:{deliverer.SmtpPort}/inet"], token);
        await Should.ThrowAsync<System.Net.Sockets.SocketException>(() => deliverer.ConnectAsync(token));

        await using (var client = await receiver.ConnectAsync(token))
        {
            for (var i = 0; i < 20; i++)
            {
                (await client.SendMailAsync("a@client.test", ["r@elsewhere.test"], TestMail.Make($"m{i}", "x\n"), token)).ShouldStartWith("250 ");
            }
        }

        await cluster.WaitForEmptyQueueAsync(token);
        cluster.Sink.Messages().Select(m => m.Subject).Distinct().Count().ShouldBe(20);
        (await cluster.ScalarAsync<string>("SELECT string_agg(DISTINCT node, ',') FROM mta.delivery_log", token)).ShouldBe("node1");
        (await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.delivery_log", token)).ShouldBe(20);
    }

    [Theory]
    [InlineData("qmgr_message_active_limit = 10")] // full
    [InlineData("queue_share_limit = 10")] // busier than the other one
    public async Task A_loaded_node_shares_its_surplus(string limit)
    {
        var token = TestContext.Current.CancellationToken;
        await using var slow = await SmtpSink.StartAsync(token, "-w", "1");
        await using var cluster = await MtaCluster.StartAsync(2, token, $"relayhost = [127.0.0.1]:{slow.Port}\n{limit}\n");

        // The first node has heard of the other one.
        await Until.TrueAsync(
            () => cluster.ScalarAsync<bool>("SELECT (SELECT heartbeat_at FROM mta.node WHERE name = 'node0') > started_at FROM mta.node WHERE name = 'node1'", token), "a heartbeat", token);
        await using (var client = await cluster.Nodes[0].ConnectAsync(token))
        {
            for (var i = 0; i < 100; i++)
            {
                (await client.SendMailAsync("a@client.test", ["r@elsewhere.test"], TestMail.Make($"m{i}", "x\n"), token)).ShouldStartWith("250 ");
            }
        }

        await cluster.WaitForEmptyQueueAsync(token);
        slow.Messages().Select(m => m.Subject).Distinct().Count().ShouldBe(100);
        (await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.delivery_log WHERE node = 'node1'", token)).ShouldBeGreaterThan(20);
        (await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.delivery_log WHERE node = 'node0'", token)).ShouldBeGreaterThanOrEqualTo(10);
    }

    private static async Task WithoutAsync(MtaInstance node, string[] services, CancellationToken token)
    {
        (await node.PostfixAsync("stop", token)).Succeeded();
        (await node.RunAsync("postconf", ["-MX", .. services], null, token)).Succeeded();
        (await node.PostfixAsync("start", token)).Succeeded();
    }
}
