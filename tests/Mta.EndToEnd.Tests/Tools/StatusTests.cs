using System.Diagnostics;
using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tools;

public sealed class StatusTests
{
    [Fact]
    public async Task Status_shows_all_nodes_and_says_what_is_wrong()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(2, token);
        var node = cluster.Nodes[0];
        await cluster.ScalarAsync<long>("UPDATE mta.node SET possible_duplicates = 3 WHERE name = 'node1' RETURNING possible_duplicates", token);

        var status = await StatusAsync(node, token);
        status.ExitCode.ShouldBe(0, status.Output);
        status.Error.ShouldContain("the Postfix mail system is running: PID: ");
        status.Output.ShouldContain("database: reachable");
        status.Output.ShouldMatch(@"(?m)^node0 \(this\) +\S+ +live +\d+\.\d+\.\d+ +1\d\.\d s +\d\.\d s +0 +0 +0 +0$");
        status.Output.ShouldMatch(@"(?m)^node1 +\S+ +live .* 3 +0$");
        status.Output.ShouldMatch(@"(?m)^incoming +0 +-$");
        status.Output.ShouldContain("health: ok");
        (await node.PostfixAsync("status", token)).Output.ShouldBe("possible duplicates: 3\n");

        // Nobody takes what an application sent an hour ago.
        await cluster.ScalarAsync<string>("SELECT mta.drain_node('node0') || mta.drain_node('node1')", token);
        await cluster.Nodes[0].WaitForLogAsync("this node is drained", token);
        await cluster.Nodes[1].WaitForLogAsync("this node is drained", token);
        await cluster.ScalarAsync<long>(
            """
            INSERT INTO mta_store.incoming (id, sender, size, recipient_count, chunk_count)
            VALUES (mta.queue_floor(now() - interval '1 hour') + 1, 'a@b', 1, 1, 1) RETURNING id
            """, token);
        status = await StatusAsync(node, token);
        status.ExitCode.ShouldBe(1);
        status.Output.ShouldMatch(@"(?m)^node0 \(this\) +\S+ +drained ");
        status.Output.ShouldMatch(@"(?m)^incoming +1 +36\d\d\.\d s$");
        status.Output.ShouldMatch("(?m)^health: problem: the oldest new message in incoming is 36.. s old, more than health_incoming_age_limit = 300 s: no node takes it$");
        await cluster.ScalarAsync<long>("DELETE FROM mta_store.incoming RETURNING id", token);

        (await node.PostfixAsync("stop", token)).Succeeded();
        status = await StatusAsync(node, token);
        status.ExitCode.ShouldBe(1);
        status.Output.ShouldMatch(@"(?m)^node0 \(this\) +\S+ +ended, drained ");
        status.Output.ShouldContain("health: problem: this node is not running\n");
        status.Output.ShouldContain("health: problem: node node0 has no lease: its epoch has ended\n");
        (await StatusAsync(cluster.Nodes[1], token)).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Status_answers_soon_when_the_database_is_away()
    {
        var token = TestContext.Current.CancellationToken;

        // A host that answers nothing at all (RFC 5737), and a port where nobody listens.
        foreach (var url in new[] { "postgresql://mta@192.0.2.1/mta", $"postgresql://mta@127.0.0.1:{Ports.Free()}/mta" })
        {
            await using var mta = MtaInstance.Create($"database_url = {url}");
            var since = Stopwatch.GetTimestamp();
            var status = await StatusAsync(mta, token);
            status.ExitCode.ShouldBe(1);
            status.Output.ShouldContain("health: problem: this node is not running\n");
            status.Output.ShouldContain("health: problem: the database cannot be reached: database: ");
            (await mta.PostfixAsync("status", token)).Error.ShouldBe("postfix/postfix-script: the Postfix mail system is not running\n");
            Stopwatch.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(20));
        }
    }

    [Fact]
    public async Task Status_before_the_first_start_says_that_there_are_no_tables_yet()
    {
        var token = TestContext.Current.CancellationToken;
        await using var database = await TestDatabase.CreateEmptyAsync();
        await using var mta = MtaInstance.Create($"database_url = {database.ConnectionString}");
        var status = await StatusAsync(mta, token);
        status.ExitCode.ShouldBe(1);
        status.Output.ShouldContain("health: problem: the database has no tables of this mail system yet, which the first start of a node makes: database: ");
    }

    private static Task<CommandResult> StatusAsync(MtaInstance mta, CancellationToken token) =>
        mta.RunAsync("postfix", ["-c", mta.ConfigurationDirectory, "status", "-v"], null, token);
}
