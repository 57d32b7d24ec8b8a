using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Qmgr;

/// <summary>Two nodes' queue managers over one database.</summary>
public sealed class TwoQueueManagersTests
{
    private const int Messages = 100;

    [Fact]
    public async Task Each_message_is_tried_by_one_of_them_only()
    {
        await using var one = await QmgrFixture.CreateAsync("qmgr_message_active_limit=20");
        await using var two = await one.JoinAsync("two", "qmgr_message_active_limit=20");
        var gate = new TaskCompletionSource();
        one.Agent.Gate = two.Agent.Gate = gate.Task;
        for (var i = 0; i < Messages; i++)
        {
            await one.SendAsync(false, "s@x", $"r{i}@d{i % 3}");
        }

        // Some wait in deferred, due by now.
        await one.ExecuteAsync(
            $"""
            WITH m AS (DELETE FROM mta_store.incoming WHERE id IN (SELECT id FROM mta_store.incoming ORDER BY id LIMIT {Messages / 2}) RETURNING *)
            INSERT INTO mta_store.deferred SELECT m.*, 'd0', now(), now() FROM m;
            INSERT INTO mta_store.destination (name, next_due) VALUES ('d0', now())
            """);
        one.Claims.Start();
        two.Claims.Start();

        // Neither takes more than its window has room for.
        await one.UntilAsync("active", 40);
        (await one.ScalarAsync<string>("SELECT string_agg(n, ' ') FROM (SELECT count(*)::text AS n FROM mta_store.active GROUP BY epoch) c")).ShouldBe("20 20");
        gate.SetResult();
        await one.UntilAsync("delivery_log", Messages);
        await one.UntilAsync("active", 0);

        var tried = one.Agent.Requests.Concat(two.Agent.Requests).SelectMany(r => r.Recipients).Select(r => r.Address).ToList();
        tried.Count.ShouldBe(Messages);
        tried.Distinct().Count().ShouldBe(Messages);
        (await one.CountAsync("node WHERE possible_duplicates > 0")).ShouldBe(0);
        (await one.ScalarAsync<bool>("SELECT NOT EXISTS (SELECT FROM mta_store.incoming) AND NOT EXISTS (SELECT FROM mta_store.deferred)")).ShouldBeTrue();
    }

    [Fact]
    public async Task What_one_had_in_hand_when_its_epoch_was_ended_the_other_delivers_and_only_that_counts()
    {
        await using var one = await QmgrFixture.CreateAsync();
        await using var two = await one.JoinAsync("two");
        var gate = new TaskCompletionSource();
        one.Agent.Gate = gate.Task;
        await one.SendAsync(true, "s@x", "sent@a", "defer@a", "bounce@b");
        one.Agent.Requests.Count.ShouldBe(2);

        (await two.ScalarAsync<bool>($"SELECT mta.end_epoch('node', {one.Lease.Epoch.Epoch})")).ShouldBeTrue();
        two.Claims.Start();
        await two.UntilAsync("deferred", 1);
        await two.UntilAsync("active", 0);
        var history = await HistoryAsync(two);
        var queue = await QueueAsync(two);

        // It hears of it, and what comes later was final for two of them: somebody has that mail.
        one.Lease.Start();
        await two.UntilAsync("node WHERE name = 'node' AND state = 'live'", 1);
        gate.SetResult();
        await two.UntilAsync("node WHERE name = 'node' AND possible_duplicates = 2", 1);
        one.Agent.Requests.Count.ShouldBe(2);
        (await HistoryAsync(two)).ShouldBe(history);
        (await QueueAsync(two)).ShouldBe(queue);
        (await two.CountAsync("node WHERE name = 'two' AND possible_duplicates = 0")).ShouldBe(1);
    }

    private static Task<string> HistoryAsync(QmgrFixture qmgr) =>
        qmgr.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', node, recipient, action, at), ',' ORDER BY recipient) FROM mta.delivery_log");

    private static Task<string> QueueAsync(QmgrFixture qmgr) => qmgr.ScalarAsync<string>(
        "SELECT string_agg(concat_ws(' ', q.queue_name, r.address, r.reason, d.attempts), ',' ORDER BY r.address) FROM mta.queue q JOIN mta_store.recipient r ON r.message_id = q.id LEFT JOIN mta_store.deferred d USING (id)");
}
