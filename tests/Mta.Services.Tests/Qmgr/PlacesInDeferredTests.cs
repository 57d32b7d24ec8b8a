using Mta.Core.Queue;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Qmgr;

/// <summary>Under which name mail waits in deferred, when that is not the next hop of an attempt.</summary>
public sealed class PlacesInDeferredTests
{
    private const string Row = "SELECT concat_ws(' ', ctid, destination, attempts) FROM mta_store.deferred WHERE id = ";

    [Fact]
    public async Task Mail_of_a_suspended_sender_is_not_claimed_again_and_again_though_it_is_due_and_flushed()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        await qmgr.ScalarAsync<string>("SELECT mta.suspend_sender('@y')");
        qmgr.Requests.Start();
        await UntilAsync(() => qmgr.Queue.IsSuspended("(sender) @y"));
        var id = await qmgr.SendAsync(true, "s@y", "r@a");
        await qmgr.UntilAsync("deferred WHERE destination = '(sender) @y'", 1);
        await qmgr.ExecuteAsync("UPDATE mta_store.deferred SET due_at = now() - interval '1 hour'");
        await qmgr.ExecuteAsync("SELECT mta.flush_all()");
        var waits = await qmgr.ScalarAsync<string>(Row + id.Value);

        await AddOthersAsync(qmgr);
        qmgr.Claims.Start();
        await ClaimsGoOnAsync(qmgr);
        (await qmgr.ScalarAsync<string>(Row + id.Value)).ShouldBe(waits);
        qmgr.Lines.All.Count(l => l.Contains($"{id}: from=<s@y>")).ShouldBe(1);

        await qmgr.ScalarAsync<string>("SELECT mta.resume_sender('@y')");
        await qmgr.UntilAsync($"delivery_log WHERE message_id = {id.Value} AND action = 0", 1);
    }

    [Fact]
    public async Task What_was_resumed_is_not_claimed_by_a_node_that_has_not_heard_of_it()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        await qmgr.ScalarAsync<string>("SELECT mta.suspend_sender('s@y') || mta.suspend('a')");
        qmgr.Requests.Start();
        await UntilAsync(() => qmgr.Queue.IsSuspended("a"));
        var bySender = await qmgr.SendAsync(true, "S@y", "r@b");
        var byHop = await qmgr.SendAsync(true, "s@x", "r@a");
        await qmgr.UntilAsync("deferred", 2);
        await qmgr.Requests.StopAsync();
        string[] waits = [await qmgr.ScalarAsync<string>(Row + bySender.Value), await qmgr.ScalarAsync<string>(Row + byHop.Value)];

        await qmgr.ScalarAsync<string>("SELECT mta.resume_sender('s@y') || mta.resume('a')");
        await AddOthersAsync(qmgr);
        qmgr.Claims.Start();
        await ClaimsGoOnAsync(qmgr);
        string[] later = [await qmgr.ScalarAsync<string>(Row + bySender.Value), await qmgr.ScalarAsync<string>(Row + byHop.Value)];
        later.ShouldBe(waits);
    }

    [Fact]
    public async Task A_released_message_is_tried_at_once_and_waits_for_its_next_hop_from_then_on()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        var id = await qmgr.SendAsync(false, "s@x", "defer@a");
        (await qmgr.ScalarAsync<string>($"SELECT mta.hold('{id}')")).ShouldBe("done");
        (await qmgr.ScalarAsync<string>($"SELECT mta.release('{id}')")).ShouldBe("done");
        (await qmgr.ScalarAsync<string>($"SELECT destination FROM mta_store.deferred WHERE id = {id.Value}")).ShouldBe("(released)");

        qmgr.Claims.Start();
        await qmgr.UntilAsync("deferred WHERE destination = 'a' AND attempts = 1 AND due_at > now() + interval '1 minute'", 1);
        qmgr.Agent.Requests.ShouldHaveSingleItem().Nexthop.ShouldBe("a");
        await qmgr.UntilAsync("destination WHERE name = '(released)'", 0);
        (await qmgr.CountAsync("destination WHERE name = 'a' AND next_due > now() + interval '1 minute'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_released_message_for_a_suspended_next_hop_or_of_a_suspended_sender_waits_there()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        await qmgr.ScalarAsync<string>("SELECT mta.suspend_sender('@y') || mta.suspend('a')");
        qmgr.Requests.Start();
        await UntilAsync(() => qmgr.Queue.IsSuspended("a"));
        QueueId[] ids = [await qmgr.SendAsync(false, "s@x", "r@a"), await qmgr.SendAsync(false, "s@y", "r@b")];
        foreach (var id in ids)
        {
            await qmgr.ScalarAsync<string>($"SELECT mta.hold('{id}') || mta.release('{id}')");
        }

        qmgr.Claims.Start();
        await qmgr.UntilAsync("deferred WHERE destination IN ('a', '(sender) @y')", 2);
        qmgr.Agent.Requests.ShouldBeEmpty();
    }

    // Mail of others, for which claims come by when it is made due. Before the claims are started.
    private static async Task AddOthersAsync(QmgrFixture qmgr)
    {
        await qmgr.SendAsync(false, "s@z", "o1@other");
        await qmgr.SendAsync(false, "s@z", "o2@other");
        await qmgr.ExecuteAsync(
            """
            WITH m AS (DELETE FROM mta_store.incoming RETURNING *)
            INSERT INTO mta_store.deferred SELECT m.*, 'other' || row_number() OVER (), 'infinity', now() FROM m
            """);
    }

    // Twice: what was due before had its turn each time.
    private static async Task ClaimsGoOnAsync(QmgrFixture qmgr)
    {
        foreach (var other in new[] { "other1", "other2" })
        {
            await qmgr.ExecuteAsync(
                $"UPDATE mta_store.deferred SET due_at = now() WHERE destination = '{other}'; INSERT INTO mta_store.destination (name, next_due) VALUES ('{other}', now())");
            await qmgr.UntilAsync($"deferred WHERE destination = '{other}'", 0);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
