using System.Diagnostics;
using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AChangedRowCountsOnEveryNodeWithinASecond
{
    private const string Miss = "Access denied";

    private const string Tables =
        """
        INSERT INTO mta.lookup_table (name, kind) VALUES ('/tables/small', 'access'), ('/tables/whole', 'access'), ('/tables/keyed', 'access');
        INSERT INTO mta.lookup_entry (table_id, key, value, kind)
            SELECT id, 'filler' || n, 'REJECT ' || repeat('x', 900), 'access' FROM mta.lookup_table t, generate_series(1, 30000) n
            WHERE name = '/tables/keyed' OR name = '/tables/whole' AND n <= 6000 OR name = '/tables/small' AND n <= 10;
        INSERT INTO mta.pattern (map, type, rule) VALUES ('/tables/pattern', 'pcre', '/^never@/ OK')
        """;

    /// <summary>A small table, a large one that fits into memory, one that is always asked by key, and patterns.</summary>
    private static readonly string[] Recipients = ["x@small.test", "x@whole.test", "x@keyed.test", "x@pattern.test"];

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("yes")]
    [InlineData("no")]
    public async Task A_changed_row_counts_on_every_node_within_a_second(string listen)
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await MtaCluster.StartAsync(
            2,
            token,
            $"""
            database_listen = {listen}
            smtpd_soft_error_limit = 100000
            smtpd_hard_error_limit = 100000
            smtpd_recipient_restrictions = check_recipient_access hash:/tables/small, check_recipient_access hash:/tables/whole,
                check_recipient_access hash:/tables/keyed, check_recipient_access pcre:/tables/pattern, reject
            """,
            sql: Tables);
        await using var first = await StartMailAsync(cluster.Nodes[0], token);
        await using var second = await StartMailAsync(cluster.Nodes[1], token);
        await SeenAsync(Miss);

        for (var round = 1; round <= 3; round++)
        {
            // What was not there is remembered, and there now.
            await RunAsync(string.Create(CultureInfo.InvariantCulture,
                $"""
                INSERT INTO mta.access (map, pattern, action)
                    SELECT '/tables/' || name, 'x@' || name || '.test', 'REJECT new{round}' FROM unnest('{"{small,whole,keyed}"}'::text[]) name;
                INSERT INTO mta.pattern (map, type, rule) VALUES ('/tables/pattern', 'pcre', '/^x@pattern/ REJECT new{round}')
                """));
            await SeenAsync(string.Create(CultureInfo.InvariantCulture, $"new{round}"));
            await RunAsync("UPDATE mta.access SET action = 'REJECT other' WHERE pattern LIKE 'x@%'; UPDATE mta.pattern SET rule = '/^x@pattern/ REJECT other' WHERE rule ~ 'x@'");
            await SeenAsync("other");
            await RunAsync("DELETE FROM mta.access WHERE pattern LIKE 'x@%'; DELETE FROM mta.pattern WHERE rule ~ 'x@'");
            await SeenAsync(Miss);
        }

        async Task RunAsync(string sql) => await cluster.ScalarAsync<int>($"DO $do$ BEGIN {sql}; END $do$; SELECT 1", token);

        async Task SeenAsync(string answer)
        {
            var committed = Stopwatch.GetTimestamp();
            var slowest = await Task.WhenAll(SeenByAsync(first, answer, committed, token), SeenByAsync(second, answer, committed, token));
            TestContext.Current.TestOutputHelper?.WriteLine($"{answer}: {slowest[0].TotalMilliseconds:0} and {slowest[1].TotalMilliseconds:0} ms");
            slowest.Max().ShouldBeLessThan(Limit);
        }
    }

    private static async Task<SmtpDialogue> StartMailAsync(MtaInstance node, CancellationToken cancellationToken)
    {
        var client = await node.ConnectAsync(cancellationToken);
        await client.ExpectAsync("EHLO client.test", "250", cancellationToken);
        await client.ExpectAsync("MAIL FROM:<a@client.test>", "250 ", cancellationToken);
        return client;
    }

    /// <summary>How long after the commit all tables gave the answer.</summary>
    private static async Task<TimeSpan> SeenByAsync(SmtpDialogue client, string answer, long committed, CancellationToken cancellationToken)
    {
        foreach (var recipient in Recipients)
        {
            await Until.TrueAsync(
                async () => (await client.SayAsync($"RCPT TO:<{recipient}>", cancellationToken)).EndsWith(": " + answer, StringComparison.Ordinal),
                $"{recipient}: {answer}",
                cancellationToken);
        }

        return Stopwatch.GetElapsedTime(committed);
    }
}
