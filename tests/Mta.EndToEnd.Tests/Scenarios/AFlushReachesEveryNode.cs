using System.Diagnostics;
using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AFlushReachesEveryNode
{
    // Two are promised; the rest is for the commands of a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData("yes")]
    [InlineData("no")]
    public async Task A_message_a_site_and_all_mail_are_flushed_on_one_node_and_delivered_by_the_other_within_two_seconds(string listen)
    {
        var token = TestContext.Current.CancellationToken;
        var port = Ports.Free();
        await using var cluster = await MtaCluster.StartAsync(
            2, token, string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{port}\nfast_flush_domains = site.test\ndatabase_listen = {listen}\n"));
        var (asked, delivers) = (cluster.Nodes[0], cluster.Nodes[1]);
        (await asked.PostfixAsync("drain", token)).Succeeded();
        await asked.WaitForLogAsync("this node is drained", token);

        // Nobody is there: the node that tries gives the destination up for minimal_backoff_time.
        await using (var client = await delivers.ConnectAsync(token))
        {
            foreach (var domain in new[] { "one.test", "site.test", "all.test" })
            {
                (await client.SendMailAsync("a@client.test", ["r@" + domain], TestMail.Make(domain, "x\n"), token)).ShouldStartWith("250 ");
            }
        }

        await Until.TrueAsync(async () => await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.deferred", token) == 3, "all is deferred", token);
        await using var sink = await SmtpSink.StartAtAsync(port, token);
        var id = (await asked.QueueAsync(token)).First(e => e.Recipients[0].Address == "r@one.test").QueueId;

        await FlushedAsync(["-i", id], 1);
        await FlushedAsync(["-s", "site.test"], 2);
        await FlushedAsync(["-f"], 3);
        await cluster.WaitForEmptyQueueAsync(token);
        sink.Messages().Select(m => m.Subject).Order().ShouldBe(["all.test", "one.test", "site.test"]);
        (await cluster.ScalarAsync<string>("SELECT string_agg(DISTINCT node, ',') FROM mta.delivery_log", token)).ShouldBe("node1");

        async Task FlushedAsync(string[] arguments, int arrived)
        {
            (await asked.RunAsync("postqueue", arguments, null, token)).Succeeded();
            var since = Stopwatch.GetTimestamp();
            await sink.WaitForAsync(arrived, token);
            Stopwatch.GetElapsedTime(since).ShouldBeLessThan(Limit);
        }
    }
}
