using Mta.Core.Delivery;
using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Qmgr;

public sealed class QueueManagerTests
{
    [Fact]
    public async Task A_delivered_message_is_logged_and_removed()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        var id = await qmgr.SendAsync(true, "s@x", "ok@example.org");
        await qmgr.UntilAsync("active", 0);
        await qmgr.UntilAsync("delivery_log", 1);
        qmgr.Lines.All.ShouldContain($"qmgr: {id}: from=<s@x>, size=17, nrcpt=1 (queue active)");
        qmgr.Lines.All.ShouldContain(l => l.StartsWith($"smtp: {id}: to=<ok@example.org>, relay=host[192.0.2.1]:25, delay=") && l.EndsWith("dsn=2.0.0, status=sent (250 ok)"));
        await UntilLogged(qmgr, $"qmgr: {id}: removed");
        qmgr.Agent.Requests.ShouldHaveSingleItem().Content.Length.ShouldBe(17);
    }

    [Fact]
    public async Task Recipients_of_one_destination_go_together_up_to_the_recipient_limit()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("smtp_destination_recipient_limit=3");
        await qmgr.SendAsync(true, "s@x", [.. Enumerable.Range(0, 7).Select(i => $"r{i}@a"), "one@b"]);
        await qmgr.UntilAsync("active", 0);
        qmgr.Agent.Requests.Select(r => (r.Nexthop, r.Recipients.Count)).Order().ShouldBe([("a", 1), ("a", 3), ("a", 3), ("b", 1)]);
        (await qmgr.CountAsync("recipient")).ShouldBe(0);
    }

    [Theory]
    [InlineData("smtp:[192.0.2.9]:10025", "", "smtp [192.0.2.9]:10025: a@one.example a@two.example")]
    [InlineData("smtp:", "", "smtp one.example: a@one.example|smtp two.example: a@two.example")]
    [InlineData("smtp", "", "smtp one.example: a@one.example|smtp two.example: a@two.example")]
    [InlineData("local:", "hop", "local hop: a@one.example|local hop: a@two.example")]
    public async Task A_content_filter_takes_all_recipients_before_routing(string filter, string defaultNexthop, string expected)
    {
        await using var qmgr = await QmgrFixture.CreateAsync("default_filter_nexthop=" + defaultNexthop);
        qmgr.Filter = filter;
        await qmgr.SendAsync(true, "s@x", "a@one.example", "a@two.example");
        await qmgr.UntilAsync("active", 0);
        qmgr.Agent.Requests
            .Select(r => $"{r.Transport} {r.Nexthop}: {string.Join(' ', r.Recipients.Select(x => x.Address))}")
            .Order().ShouldBe(expected.Split('|'));
    }

    [Fact]
    public async Task A_round_with_all_outcomes_ends_in_one_notification_and_a_deferral()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        var id = await qmgr.SendAsync(true, "sender@x", "ok@a", "bounce@a", "bounce@b", "defer@a", "bounce@bad");
        await qmgr.UntilAsync("deferred", 1);
        qmgr.Bounces.Built.ShouldHaveSingleItem().Recipients.Order().ShouldBe(["bounce@a", "bounce@b", "bounce@bad"]);
        (await qmgr.ScalarAsync<string>("SELECT address || ' ' || dsn || ' ' || reason FROM mta_store.recipient WHERE message_id = " + id.Value)).ShouldBe("defer@a 4.2.0 try later");
        await qmgr.UntilAsync("active", 0);
        qmgr.Agent.Requests.ShouldContain(r => r.Envelope.Sender == "" && r.Recipients[0].Address == "sender@x");
        qmgr.Lines.All.ShouldContain(l => l.StartsWith($"bounce: {id}: sender non-delivery notification: "));
        var due = await qmgr.ScalarAsync<double>("SELECT extract(epoch FROM due_at - deferred_at)::float8 FROM mta_store.deferred");
        due.ShouldBeInRange(299, 331);
    }

    [Fact]
    public async Task A_message_past_its_lifetime_is_returned()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("maximal_queue_lifetime=0");
        var id = await qmgr.SendAsync(true, "sender@x", "defer@a");
        await UntilLogged(qmgr, $"qmgr: {id}: removed");
        qmgr.Lines.All.ShouldContain($"qmgr: {id}: from=<sender@x>, status=expired, returned to sender");
        qmgr.Bounces.Built.ShouldHaveSingleItem().Kind.ShouldBe(NotificationKind.NonDelivery);
        (await qmgr.ScalarAsync<string>($"SELECT concat_ws(' ', action, expired, reason) FROM mta.delivery WHERE id = {id.Value}")).ShouldBe("deferred t try later");
    }

    [Fact]
    public async Task What_failed_waits_while_the_sender_cannot_be_told()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        qmgr.Bounces.Fails = true;
        var id = await qmgr.SendAsync(true, "sender@x", "ok@a", "bounce@b");
        await qmgr.UntilAsync("deferred", 1);
        (await qmgr.ScalarAsync<string>($"SELECT string_agg(address || ' ' || reason, ',') FROM mta_store.recipient WHERE message_id = {id.Value}")).ShouldBe("bounce@b no such user");
        qmgr.Lines.All.ShouldContain($"qmgr: {id}: status=deferred (bounce failed)");
        (await qmgr.ScalarAsync<string>($"SELECT action FROM mta.delivery WHERE id = {id.Value} AND recipient = 'bounce@b'")).ShouldBe("bounced");
        qmgr.Lines.All.ShouldNotContain($"qmgr: {id}: removed");
    }

    [Fact]
    public async Task Mail_without_an_owner_is_claimed_with_its_content_from_the_store()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        await qmgr.SendAsync(false, "s@x", "ok@a");
        (await qmgr.CountAsync("incoming")).ShouldBe(1);
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        qmgr.Claims.Start();
        await qmgr.UntilAsync("active", 1);
        while (qmgr.Agent.Requests.IsEmpty)
        {
            await Task.Yield();
        }

        var bytes = 0L;
        await foreach (var part in qmgr.Agent.Requests.First().Content.ReadAsync(default))
        {
            bytes += part.Length;
        }

        bytes.ShouldBe(17);
        gate.SetResult();
        await qmgr.UntilAsync("active", 0);
    }

    [Fact]
    public async Task A_dead_destination_is_not_tried_again_and_its_mail_says_why()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("smtp_initial_destination_concurrency=1");
        await qmgr.SendAsync(true, "s@x", "a@down");
        await qmgr.UntilAsync("deferred", 1);
        await qmgr.SendAsync(true, "s@x", "b@down");
        await qmgr.UntilAsync("deferred", 2);
        qmgr.Agent.Requests.Count.ShouldBe(1);
        qmgr.Lines.All.ShouldContain(l => l.StartsWith("error: ") && l.Contains("status=deferred (delivery temporarily suspended: connect to down[192.0.2.1]:25: Connection refused)"));

        // Asked for by an administrator, both are tried at once.
        await new Mta.Storage.Queue.QueueRequests(qmgr.Source).FlushAllAsync(default);
        qmgr.Claims.Start();
        while (qmgr.Agent.Requests.Count < 2)
        {
            await Task.Yield();
        }
    }

    [Fact]
    public async Task A_bug_in_an_agent_defers_what_it_left_open()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        await qmgr.SendAsync(true, "s@x", "ok@a", "throw@a");
        await qmgr.UntilAsync("deferred", 1);
        (await qmgr.ScalarAsync<string>("SELECT reason FROM mta_store.recipient")).ShouldBe("unknown mail transport error");
        qmgr.Lines.All.ShouldContain(l => l.Contains("panic: ") && l.Contains("an agent's bug"));
    }

    [Fact]
    public async Task Recipients_of_an_unknown_transport_wait()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        await qmgr.SendAsync(true, "s@x", "a@nowhere");
        await qmgr.UntilAsync("deferred", 1);
        (await qmgr.ScalarAsync<string>("SELECT reason FROM mta_store.recipient")).ShouldBe("mail transport unavailable");
    }

    [Fact]
    public async Task A_claimed_message_is_read_in_windows_of_recipients()
    {
        await using var qmgr = await QmgrFixture.CreateAsync("qmgr_message_recipient_limit=10");
        await qmgr.SendAsync(false, "s@x", [.. Enumerable.Range(0, 35).Select(i => i == 12 ? "bounce@a" : i == 30 ? "defer@a" : $"r{i}@a")]);
        qmgr.Claims.Start();
        await qmgr.UntilAsync("deferred", 1);
        (await qmgr.CountAsync("recipient WHERE address = 'defer@a'")).ShouldBe(1);
        (await qmgr.CountAsync("recipient WHERE address LIKE 'r%'")).ShouldBe(0);
        qmgr.Bounces.Built.ShouldHaveSingleItem().Recipients.ShouldBe(["bounce@a"]);
        qmgr.Agent.Requests.Where(r => r.Envelope.Sender == "s@x").ShouldAllBe(r => r.Recipients.Count <= 10);
        (await qmgr.CountAsync($"delivery_log WHERE action = {(int)DeliveryAction.Sent} AND sender = 's@x'")).ShouldBe(33);
    }

    [Fact]
    public async Task After_the_end_of_the_epoch_nothing_of_the_old_one_counts()
    {
        await using var qmgr = await QmgrFixture.CreateAsync();
        var gate = new TaskCompletionSource();
        qmgr.Agent.Gate = gate.Task;
        await qmgr.SendAsync(true, "s@x", "ok@a");
        await qmgr.ScalarAsync<bool>($"SELECT mta.end_epoch('node', {qmgr.Lease.Epoch.Epoch})");
        gate.SetResult();
        await qmgr.UntilAsync("node WHERE possible_duplicates = 1", 1);
        (await qmgr.CountAsync("incoming")).ShouldBe(1);
        (await qmgr.CountAsync("recipient")).ShouldBe(1);
    }

    private static async Task UntilLogged(QmgrFixture qmgr, string line)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!qmgr.Lines.All.Contains(line))
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
