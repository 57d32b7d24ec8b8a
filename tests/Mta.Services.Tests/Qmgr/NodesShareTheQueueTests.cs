using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Qmgr;

public sealed class NodesShareTheQueueTests
{
    [Fact]
    public async Task A_node_whose_epoch_was_ended_tries_nothing_more_of_what_it_had_in_memory()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("smtp_initial_destination_concurrency=1", "smtp_destination_concurrency_limit=1");
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        for (var i = 0; i < 3; i++)
        {
            await qmgr.SendAsync(true, "s@x", $"r{i}@a");
        }

        var old = qmgr.Agent.Requests.ShouldHaveSingleItem();
        old.MayFinish.ShouldBeTrue();
        var ended = qmgr.Lease.Epoch;
        (await qmgr.ScalarAsync<bool>($"SELECT mta.end_epoch('node', {ended.Epoch})")).ShouldBeTrue();
        (await qmgr.CountAsync("incoming")).ShouldBe(3);
        qmgr.Lease.Start();
        await qmgr.UntilAsync($"node WHERE state = 'live' AND epoch <> {ended.Epoch}", 1);
        while (qmgr.Queue.ActiveCount > 0 || !qmgr.Lease.IsHeld)
        {
            await Task.Yield();
        }

        // No final dot, and when one has gone out already it is counted.
        old.MayFinish.ShouldBeFalse();
        gate.SetResult();
        await qmgr.UntilAsync("node WHERE possible_duplicates = 1", 1);
        qmgr.Agent.Requests.Count.ShouldBe(1);
        (await qmgr.CountAsync("delivery_log")).ShouldBe(0);

        // Under the new epoch each is delivered once.
        qmgr.Claims.Start();
        await qmgr.UntilAsync("delivery_log", 3);
        await qmgr.UntilAsync("active", 0);
        qmgr.Agent.Requests.Count.ShouldBe(4);
    }

    [Fact]
    public async Task A_result_of_an_ended_epoch_does_not_count_for_the_message_that_the_same_node_claimed_again()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        var first = new TaskCompletionSource();
        qmgr.Agent.Gate = first.Task;
        await qmgr.SendAsync(true, "s@x", "defer@a");
        var ended = qmgr.Lease.Epoch;
        await qmgr.ScalarAsync<bool>($"SELECT mta.end_epoch('node', {ended.Epoch})");
        qmgr.Lease.Start();
        await qmgr.UntilAsync($"node WHERE state = 'live' AND epoch <> {ended.Epoch}", 1);
        var second = new TaskCompletionSource();
        qmgr.Agent.Gate = second.Task;
        qmgr.Claims.Start();
        await qmgr.UntilAsync("active", 1);
        while (qmgr.Agent.Requests.Count < 2)
        {
            await Task.Yield();
        }

        first.SetResult();
        await UntilLoggedAsync(qmgr, "status=deferred");
        (await qmgr.CountAsync("deferred")).ShouldBe(0);
        second.SetResult();
        await qmgr.UntilAsync("deferred", 1);
        (await qmgr.ScalarAsync<int>("SELECT attempts FROM mta_store.deferred")).ShouldBe(1);
        (await qmgr.CountAsync("delivery_log")).ShouldBe(1);
    }

    [Fact]
    public async Task Without_a_lease_no_delivery_begins_and_no_mail_is_taken()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("smtp_initial_destination_concurrency=1", "smtp_destination_concurrency_limit=1");
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        await qmgr.SendAsync(true, "s@x", "r1@a");
        await qmgr.SendAsync(true, "s@x", "r2@a");
        qmgr.Agent.Requests.Count.ShouldBe(1);
        await qmgr.Lease.EndAsync(default);

        // No heartbeat has told the queue manager.
        qmgr.Queue.MayDeliver.ShouldBeFalse();
        gate.SetResult();
        qmgr.Queue.Tick();
        await UntilLoggedAsync(qmgr, "to=<r1@a>");
        qmgr.Agent.Requests.Count.ShouldBe(1);
        await Should.ThrowAsync<InvalidOperationException>(() => qmgr.SendAsync(true, "s@x", "r3@a"));
        (await qmgr.CountAsync("incoming")).ShouldBe(2);
    }

    [Fact]
    public async Task A_node_that_ends_its_epoch_hands_its_mail_back_at_once()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        await qmgr.SendAsync(true, "s@x", "r@a", "r@b");
        await qmgr.Lease.EndAsync(default);
        (await qmgr.CountAsync("incoming")).ShouldBe(1);
        (await qmgr.CountAsync("active")).ShouldBe(0);
        (await qmgr.CountAsync("node WHERE state = 'ended'")).ShouldBe(1);
        gate.SetResult();
    }

    [Fact]
    public async Task Mail_of_a_node_that_only_receives_is_left_to_the_others()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        qmgr.Intake.Delivers = false;
        await qmgr.SendAsync(true, "s@x", "r@a");
        (await qmgr.CountAsync("incoming")).ShouldBe(1);
        qmgr.Agent.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_node_with_a_full_active_queue_shares_what_it_accepts()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("qmgr_message_active_limit=1");
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        await qmgr.SendAsync(true, "s@x", "r1@a");
        await qmgr.SendAsync(true, "s@x", "r2@a");
        (await qmgr.CountAsync("active")).ShouldBe(1);
        (await qmgr.CountAsync("incoming")).ShouldBe(1);
        gate.SetResult();
        qmgr.Claims.Start();
        await qmgr.UntilAsync("delivery_log", 2);
    }

    [Fact]
    public async Task What_a_node_gives_back_is_in_incoming_within_seconds_and_what_is_in_delivery_ends_here()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("smtp_initial_destination_concurrency=1", "smtp_destination_concurrency_limit=1");
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        const int count = 2000;
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => qmgr.SendAsync(true, "s@x", $"r{i}@a")));
        await qmgr.SendAsync(true, "s@x", "defer@b", "r@c");
        qmgr.Agent.Requests.Count.ShouldBe(3);

        qmgr.Queue.MayDeliver = false;
        qmgr.Queue.HandBack();
        await qmgr.UntilAsync("incoming", count - 1);

        // The statement that gives back commits before this node forgets what it gave.
        await UntilActiveAsync(qmgr, 2);

        gate.SetResult();
        await qmgr.UntilAsync("active", 0);
        qmgr.Agent.Requests.Count.ShouldBe(3);
        (await qmgr.CountAsync("delivery_log WHERE action = 0")).ShouldBe(2);

        // One recipient of the last message was deferred: it is tried again by whoever takes it.
        (await qmgr.CountAsync("incoming")).ShouldBe(count);
        (await qmgr.ScalarAsync<string>("SELECT string_agg(address, ',') FROM mta_store.recipient r JOIN mta_store.incoming i ON i.id = r.message_id WHERE r.dsn IS NOT NULL")).ShouldBe("defer@b");

        qmgr.Queue.MayDeliver = true;
        qmgr.Claims.Start();
        await qmgr.UntilAsync("delivery_log WHERE action = 0", count + 1);
        (await qmgr.CountAsync("delivery_log WHERE action = 0")).ShouldBe(count + 1);
        (await qmgr.CountAsync("incoming")).ShouldBe(0);
    }

    private static async Task UntilActiveAsync(QmgrFixture qmgr, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (qmgr.Queue.ActiveCount != count)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static async Task UntilLoggedAsync(QmgrFixture qmgr, string part)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!qmgr.Lines.All.Any(l => l.Contains(part)))
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
