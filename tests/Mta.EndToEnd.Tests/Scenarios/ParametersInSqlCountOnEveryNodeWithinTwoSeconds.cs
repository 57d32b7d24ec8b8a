using System.Diagnostics;
using Mta.EndToEnd.Tests.Harness;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class ParametersInSqlCountOnEveryNodeWithinTwoSeconds
{
    [Fact]
    public async Task Parameters_in_sql_count_on_every_node_within_two_seconds()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(2, token, "always_bcc = keeper@mta.test\n");
        await using var session = await cluster.Nodes[0].ConnectAsync(token);
        await session.ExpectAsync("EHLO client.test", "250", token);

        // For all nodes.
        await ChangeAsync("smtpd_banner", "all.test ESMTP", null);
        await GreetsAsync(0, "220 all.test ESMTP");
        await GreetsAsync(1, "220 all.test ESMTP");

        // For one of them, which counts more.
        await ChangeAsync("smtpd_banner", "one.test ESMTP", "node1");
        await GreetsAsync(1, "220 one.test ESMTP");
        (await GreetingAsync(0)).ShouldBe("220 all.test ESMTP");

        // An open session ends as it began; a new one is under the new limit.
        await ChangeAsync("message_size_limit", "1234", null);
        await Until.TrueAsync(async () => (await EhloAsync(0)).Contains("SIZE 1234", StringComparison.Ordinal), "the new size", token);
        (await session.SayAsync("EHLO client.test", token)).ShouldNotContain("SIZE 1234");

        // main.cf counts more than SQL.
        await ChangeAsync("always_bcc", "other@mta.test", null);
        (await PostconfAsync(0, "always_bcc")).ShouldBe("always_bcc = keeper@mta.test");
        (await PostconfAsync(0, "-n", "smtpd_banner")).ShouldBe("smtpd_banner = all.test ESMTP");
        (await PostconfAsync(1, "-S", "smtpd_banner", "message_size_limit", "always_bcc", "biff")).ShouldMatch(
            """
            ^mta.parameter \(node node1, postgres, .*\): smtpd_banner = one.test ESMTP
            mta.parameter \(postgres, .*\): message_size_limit = 1234
            .*/main.cf:\d+: always_bcc = keeper@mta.test
            default: biff = yes$
            """);

        // What the database cannot judge, the nodes do: the value before it stays, and the reason is to be seen.
        await ChangeAsync("smtpd_banner", "${{a} = {b} ? {c} : {d}} ESMTP", null);
        var problem = await Until.FoundAsync(
            async () => await cluster.ScalarAsync<object>("SELECT coalesce(max(problem), '') FROM mta.parameter_problem WHERE node = 'node0'", token) as string is { Length: > 0 } text ? text : null,
            "the problem", token);
        problem.ShouldStartWith("smtpd_banner = ${{a} = {b}");
        (await GreetingAsync(0)).ShouldBe("220 all.test ESMTP");
        await cluster.Nodes[0].WaitForLogAsync("warning: mta.parameter: smtpd_banner = ${{a}", token);

        // Away with it: the default counts again, and the problem is gone.
        await cluster.ScalarAsync<bool>("SELECT mta.reset_parameter('smtpd_banner')", token);
        await GreetsAsync(0, "220 mta.test ESMTP Postfix");
        (await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.parameter_problem", token)).ShouldBe(0);

        (await RefusedAsync("message_size_limit", "lots")).ShouldBe("bad numerical configuration: message_size_limit = lots (write a whole number)");
        (await RefusedAsync("mailbox_command", "/bin/sh")).ShouldBe("mailbox_command cannot be set in SQL: it decides which commands run on a host, and how; set it in main.cf");

        async Task ChangeAsync(string name, string value, string? node) =>
            await cluster.ScalarAsync<object>($"SELECT mta.set_parameter('{name}', '{value}', {(node is null ? "NULL" : $"'{node}'")})", token);

        async Task<string> RefusedAsync(string name, string value) =>
            (await Should.ThrowAsync<PostgresException>(() => ChangeAsync(name, value, null))).MessageText;

        async Task<string> GreetingAsync(int node)
        {
            await using var client = await cluster.Nodes[node].ConnectAsync(token);
            return client.Greeting;
        }

        async Task<string> EhloAsync(int node)
        {
            await using var client = await cluster.Nodes[node].ConnectAsync(token);
            return await client.ExpectAsync("EHLO client.test", "250", token);
        }

        async Task<string> PostconfAsync(int node, params string[] arguments) =>
            (await cluster.Nodes[node].RunAsync("postconf", arguments, null, token)).Succeeded().TrimEnd('\n');

        async Task GreetsAsync(int node, string greeting)
        {
            var since = Stopwatch.GetTimestamp();
            await Until.TrueAsync(async () => await GreetingAsync(node) == greeting, $"greeting {greeting}", token);
            Stopwatch.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(2));
        }
    }
}
