using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Qmgr;

/// <summary>What administrators ask in SQL of mail that a running queue manager has in memory.</summary>
public sealed class AdministratorRequestTests
{
    private static readonly string[] OneAtATime =
        ["smtp_initial_destination_concurrency=1", "smtp_destination_concurrency_limit=1", "smtp_destination_recipient_limit=2"];

    [Theory]
    [InlineData("hold", "placed on hold", "hold")]
    [InlineData("delete", "removed", null)]
    [InlineData("requeue", "requeued", "maildrop")]
    public async Task A_message_that_waits_in_memory_is_not_attempted_after_the_request(string function, string words, string? queueName)
    {
        await using var qmgr = await QmgrFixture.CreateAsync(OneAtATime);
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        await qmgr.SendAsync(true, "s@x", "ok@a");
        var waiting = await qmgr.SendAsync(true, "s@x", "waits@a");
        qmgr.Requests.Start();
        (await qmgr.ScalarAsync<string>($"SELECT mta.{function}('{waiting}')")).ShouldBe("requested");
        await UntilAsync(() => qmgr.Lines.All.Contains($"postsuper: {waiting}: {words}"));
        (await qmgr.CountAsync("active")).ShouldBe(1);
        gate.SetResult();
        await qmgr.UntilAsync("active", 0);
        qmgr.Agent.Requests.ShouldAllBe(r => r.Recipients[0].Address != "waits@a");
        (await qmgr.CountAsync("request")).ShouldBe(0);
        (await qmgr.CountAsync($"mta.queue WHERE id = {waiting.Value} AND queue_name = '{queueName}'")).ShouldBe(queueName is null ? 0 : 1);
        (await qmgr.CountAsync($"mta.admin_log WHERE id = {waiting.Value} AND result = 'done'")).ShouldBe(1);
    }

    [Fact]
    public async Task What_is_being_delivered_counts_as_delivered_and_the_rest_is_held()
    {
        await using var qmgr = await QmgrFixture.CreateAsync(OneAtATime);
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        var id = await qmgr.SendAsync(true, "s@x", "one@a", "two@a", "three@a");
        qmgr.Requests.Start();
        (await qmgr.ScalarAsync<string>($"SELECT mta.hold('{id}')")).ShouldBe("requested");
        await qmgr.UntilAsync("request WHERE in_delivery", 1);
        (await qmgr.ScalarAsync<string>($"SELECT mta.hold('{id}')")).ShouldBe("in delivery");
        gate.SetResult();
        await qmgr.UntilAsync("hold", 1);
        (await qmgr.ScalarAsync<string>("SELECT string_agg(address, ',') FROM mta.queue_recipient")).ShouldBe("three@a");
        (await qmgr.CountAsync("delivery_log")).ShouldBe(2);
        qmgr.Agent.Requests.ShouldHaveSingleItem();
        await UntilAsync(() => qmgr.Lines.All.Contains($"postsuper: {id}: placed on hold"));
    }

    [Fact]
    public async Task A_delivery_that_leaves_nothing_outruns_the_request_and_the_log_says_so()
    {
        await using var qmgr = await QmgrFixture.CreateAsync(OneAtATime);
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        var id = await qmgr.SendAsync(true, "s@x", "one@a");
        qmgr.Requests.Start();
        await qmgr.ScalarAsync<string>($"SELECT mta.delete('{id}')");
        await qmgr.UntilAsync("request WHERE in_delivery", 1);
        gate.SetResult();
        await qmgr.UntilAsync($"mta.admin_log WHERE id = {id.Value} AND result = 'delivered before'", 1);
        qmgr.Lines.All.ShouldContain($"qmgr: {id}: removed");
        (await qmgr.CountAsync("delivery_log")).ShouldBe(1);
    }

    [Fact]
    public async Task A_returned_message_goes_back_with_the_administrators_reason()
    {
        await using var qmgr = await QmgrFixture.CreateAsync(OneAtATime);
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        await qmgr.SendAsync(true, "s@x", "ok@a");
        var id = await qmgr.SendAsync(true, "sender@x", "waits@a", "too@b.example");
        qmgr.Requests.Start();
        qmgr.Claims.Start();
        await qmgr.ScalarAsync<string>($"SELECT mta.bounce('{id}', 'not from here')");
        await qmgr.UntilAsync("request WHERE in_delivery", 1);
        gate.SetResult();
        await UntilAsync(() => qmgr.Lines.All.Contains($"qmgr: {id}: removed"));
        qmgr.Bounces.Built.ShouldHaveSingleItem();
        qmgr.Lines.All.ShouldContain(l => l.StartsWith($"error: {id}: to=<waits@a>") && l.EndsWith("dsn=5.0.0, status=bounced (not from here)"));
    }

    [Fact]
    public async Task An_expired_message_is_returned_when_its_attempt_fails()
    {
        await using var qmgr = await QmgrFixture.CreateAsync(OneAtATime);
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        var id = await qmgr.SendAsync(true, "sender@x", "defer@a");
        qmgr.Requests.Start();
        (await qmgr.ScalarAsync<string>($"SELECT mta.expire('{id}')")).ShouldBe("requested");
        await qmgr.UntilAsync("active WHERE flags & 16 <> 0", 1);
        gate.SetResult();
        await UntilAsync(() => qmgr.Lines.All.Contains($"qmgr: {id}: from=<sender@x>, status=force-expired, returned to sender"));
    }

    [Fact]
    public async Task Nothing_begins_while_requests_cannot_be_read()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        qmgr.Requests.Start();
        await UntilAsync(() => qmgr.Queue.KnowsRequests);
        await qmgr.ExecuteAsync("ALTER TABLE mta_store.request RENAME TO request_away");
        await UntilAsync(() => !qmgr.Queue.KnowsRequests);
        qmgr.Lines.All.ShouldContain(l => l.Contains("requests of administrators cannot be read, no delivery begins"));
        await qmgr.SendAsync(true, "s@x", "ok@a");
        qmgr.Agent.Requests.ShouldBeEmpty();
        await qmgr.ExecuteAsync("ALTER TABLE mta_store.request_away RENAME TO request");
        await qmgr.UntilAsync("active", 0);
        qmgr.Agent.Requests.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Mail_of_a_suspended_destination_or_sender_waits_without_an_attempt()
    {
        await using var qmgr = await QmgrFixture.CreateAsync(OneAtATime);
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        await qmgr.SendAsync(true, "s@x", "ok@a");
        await qmgr.SendAsync(true, "s@x", "waits@a");
        await qmgr.ScalarAsync<string>("SELECT mta.suspend('a') || mta.suspend_sender('@y')");
        qmgr.Requests.Start();
        await qmgr.UntilAsync("deferred", 1);
        await qmgr.SendAsync(true, "s@x", "new@a");
        await qmgr.SendAsync(true, "someone@y", "ok@b");
        await qmgr.UntilAsync("deferred", 3);
        qmgr.Agent.Requests.ShouldHaveSingleItem();
        (await qmgr.CountAsync("recipient WHERE reason = 'delivery temporarily suspended: by the administrator'")).ShouldBe(3);

        qmgr.Claims.Start();
        await qmgr.ScalarAsync<string>("SELECT mta.resume('a')");
        gate.SetResult();
        await qmgr.UntilAsync("delivery_log WHERE recipient IN ('waits@a', 'new@a') AND reason = '250 ok'", 2);
        (await qmgr.CountAsync("deferred")).ShouldBe(1);
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
