using System.Globalization;
using System.Text.Json;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tools;

public sealed class PostqueueOfAllNodesTests
{
    [Fact]
    public async Task Every_node_lists_the_mail_of_all_and_tells_which_node_holds_an_active_message()
    {
        var token = TestContext.Current.CancellationToken;
        using var blocked = new BlockedDestination();
        await using var cluster = await MtaCluster.StartAsync(3, token, string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{blocked.Port}"));
        for (var i = 0; i < 3; i++)
        {
            await using var client = await cluster.Nodes[i].ConnectAsync(token);
            (await client.SendMailAsync("a@client.test", [$"r{i}@elsewhere.test"], TestMail.Make($"m{i}", "x\n"), token)).ShouldStartWith("250 ");
        }

        // Whichever node takes it out of maildrop.
        (await cluster.Nodes[0].RunAsync("sendmail", ["any@elsewhere.test"], "Subject: any\n\nx\n", token)).Succeeded();
        await Until.TrueAsync(async () => await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.active", token) == 4, "all is active", token);

        var text = (await cluster.Nodes[2].RunAsync("postqueue", ["-p"], null, token)).Succeeded();
        text.ShouldStartWith("----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n");
        text.ShouldMatch(@"(?m)^[0-9A-Za-z]{10,}\* +\d+ +\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d a@client\.test\n +r1@elsewhere\.test$");
        text.ShouldMatch("(?m)^-- \\d Kbytes in 4 Requests\\.$");
        text.ShouldNotContain("node");

        var lines = (await cluster.Nodes[1].RunAsync("postqueue", ["-j"], null, token)).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var entries = lines.Select(l => JsonDocument.Parse(l).RootElement).ToList();
        entries.Count.ShouldBe(4);
        foreach (var entry in entries)
        {
            // Postfix's keys in Postfix's order, and ours after them.
            entry.EnumerateObject().Select(p => p.Name).ShouldBe(["queue_name", "queue_id", "arrival_time", "message_size", "forced_expire", "sender", "recipients", "node"]);
            var to = entry.GetProperty("recipients")[0].GetProperty("address").GetString()!;
            entry.GetProperty("node").GetString()!.ShouldMatch(to[0] == 'r' ? "^node" + to[1] + "$" : "^node[012]$", to);
        }

        await cluster.Nodes[0].PostfixAsync("stop", token);
        (await cluster.Nodes[1].RunAsync("postqueue", ["-j"], null, token)).Succeeded().ShouldNotContain("node0");
    }
}
