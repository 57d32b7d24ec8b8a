using System.Diagnostics;
using Mta.Core.Delivery;
using Mta.Storage.Admin;
using Mta.Storage.Queue;
using Mta.Storage.Tests.Queue;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Admin;

public sealed class AdminFunctionTests
{
    [Theory]
    [InlineData("deferred")]
    [InlineData("incoming")]
    public async Task Mail_without_an_owner_is_held_released_and_deleted_at_once(string queueName)
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync(queueName);
        (await admin.CallAsync("hold", id)).ShouldBe("done");
        (await admin.QueueOfAsync(id)).ShouldBe("hold");
        (await admin.CallAsync("hold", id)).ShouldBe("done");
        (await admin.CallAsync("release", id)).ShouldBe("done");
        (await admin.AskAsync($"SELECT due_at <= now() FROM mta.deferred WHERE queue_id = '{id}'")).ShouldBe("True");
        (await admin.CallAsync("release", id)).ShouldBe("nothing to do");
        (await admin.CallAsync("delete", id)).ShouldBe("done");
        (await admin.CallAsync("delete", id)).ShouldBe("not found");
        foreach (var table in new[] { "deferred", "hold", "recipient", "content" })
        {
            (await admin.Queue.CountAsync(table)).ShouldBe(0, table);
        }

        (await admin.AskAsync($"SELECT string_agg(action || ' ' || result, ',' ORDER BY at) FROM mta.admin_log WHERE queue_id = '{id}'"))
            .ShouldBe("hold done,hold done,release done,delete done");
    }

    [Fact]
    public async Task Released_mail_is_claimed_by_a_node()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("hold");
        await admin.CallAsync("release", id);
        var due = (await admin.Queue.Reader.DueDestinationsAsync(10, default)).ShouldHaveSingleItem();
        (await admin.Queue.Reader.ClaimDeferredAsync(admin.Queue.Epoch, due.Name, 10, default)).ShouldHaveSingleItem().Envelope.Id.ShouldBe(id);
    }

    [Fact]
    public async Task Messages_are_picked_by_any_predicate_on_the_view()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.StoreAsync("deferred", "a@x");
        await admin.StoreAsync("deferred", "b@x");
        await admin.StoreAsync("deferred", "c@y");
        (await admin.AskAsync("SELECT count(*) FROM (SELECT mta.hold(queue_id) FROM mta.queue WHERE sender LIKE '%@x' AND age < '1 h') held")).ShouldBe("2");
        (await admin.AskAsync("SELECT string_agg(sender, ',' ORDER BY sender) FROM mta.hold")).ShouldBe("a@x,b@x");
    }

    [Fact]
    public async Task Functions_are_part_of_the_callers_transaction_and_say_who_called()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("deferred");
        await using (var connection = await admin.Admin.OpenConnectionAsync())
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var delete = new Npgsql.NpgsqlCommand($"SELECT mta.delete('{id}')", connection);
            await delete.ExecuteScalarAsync();
            await transaction.RollbackAsync();
        }

        (await admin.QueueOfAsync(id)).ShouldBe("deferred");
        await admin.AskAsync($"SET mta.operator = 'alice'; SELECT mta.hold('{id}')");
        (await admin.AskAsync("SELECT operator || ' ' || (by_role <> '') FROM mta.admin_log")).ShouldBe("alice true");
    }

    [Fact]
    public async Task Owned_mail_is_asked_for_and_its_row_is_left_alone()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("active");
        (await admin.CallAsync("hold", id)).ShouldBe("requested");
        (await admin.AskAsync($"SELECT requested FROM mta.active WHERE queue_id = '{id}' AND node = 'node-a'")).ShouldBe("hold");
        var requests = new RequestStore(admin.Queue.Source);
        (await requests.ReadAsync(admin.Queue.Epoch, default)).Requests.ShouldHaveSingleItem().ShouldBe(new PendingRequest(id.Value, RequestedAction.Hold, false));
        (await requests.ReadAsync(admin.Queue.Epoch with { Epoch = 0 }, default)).Requests.ShouldBeEmpty();

        await requests.MarkInDeliveryAsync([id.Value], default);
        (await admin.CallAsync("delete", id)).ShouldBe("in delivery");

        var completion = new TestCompletion { Epoch = admin.Queue.Epoch, MessageId = id.Value, Sender = "", Size = 1, Records = [], End = RoundEnd.Requested };
        admin.Queue.Completions.Post(completion);
        (await completion.Done).ShouldBeFalse();
        (await admin.QueueOfAsync(id)).ShouldBe("");
        (await admin.AskAsync("SELECT string_agg(action || ' ' || result, ',' ORDER BY at) FROM mta.admin_log"))
            .ShouldBe("hold requested,delete in delivery,delete done");
        (await admin.Queue.CountAsync("request")).ShouldBe(0);
    }

    [Fact]
    public async Task A_hold_that_was_not_seen_yet_is_taken_back()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("active");
        await admin.CallAsync("hold", id);
        (await admin.CallAsync("release", id)).ShouldBe("done");
        (await admin.Queue.CountAsync("request")).ShouldBe(0);
    }

    [Fact]
    public async Task The_end_of_an_epoch_applies_what_was_asked_of_its_mail()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var held = await admin.StoreAsync("active");
        var deleted = await admin.StoreAsync("active");
        var other = await admin.StoreAsync("active");
        await admin.CallAsync("hold", held);
        await admin.CallAsync("delete", deleted);
        await admin.Queue.Nodes.EndAsync(admin.Queue.Epoch, default);
        (await admin.QueueOfAsync(held)).ShouldBe("hold");
        (await admin.QueueOfAsync(deleted)).ShouldBe("");
        (await admin.QueueOfAsync(other)).ShouldBe("incoming");
        (await admin.Queue.CountAsync("request")).ShouldBe(0);
    }

    [Fact]
    public async Task A_request_that_a_delivery_outran_is_logged_as_that()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("active");
        await admin.CallAsync("delete", id);
        var completion = new TestCompletion
        {
            Epoch = admin.Queue.Epoch, MessageId = id.Value, Sender = "", Size = 1, Records = [TestCompletion.Record(0, DeliveryAction.Sent)], End = RoundEnd.Finished,
        };
        admin.Queue.Completions.Post(completion);
        await completion.Done;
        await new RequestStore(admin.Queue.Source).ApplyUnownedAsync(default);
        (await admin.AskAsync($"SELECT result FROM mta.admin_log WHERE queue_id = '{id}' ORDER BY at DESC LIMIT 1")).ShouldBe("delivered before");
    }

    [Fact]
    public async Task A_requeued_message_goes_through_maildrop_with_its_content()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("deferred");
        (await admin.CallAsync("requeue", id)).ShouldBe("done");
        (await admin.AskAsync($"SELECT sender || ' ' || recipients[1] FROM mta.maildrop WHERE queue_id = '{id}'")).ShouldBe("s@example.com r@example.org");
        (await admin.Queue.CountAsync("maildrop_chunk")).ShouldBe(1);
        (await admin.Queue.CountContentAsync()).ShouldBe(0);
        (await admin.Queue.CountAsync("recipient")).ShouldBe(0);
        (await admin.CallAsync("delete", id)).ShouldBe("done");
        (await admin.Queue.CountAsync("maildrop_chunk")).ShouldBe(0);
    }

    [Fact]
    public async Task Expired_and_returned_mail_says_so()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var expired = await admin.StoreAsync("deferred");
        (await admin.CallAsync("expire", expired)).ShouldBe("done");
        (await admin.AskAsync($"SELECT expired FROM mta.queue WHERE queue_id = '{expired}'")).ShouldBe("True");
        var returned = await admin.StoreAsync("hold");
        (await admin.AskAsync($"SELECT mta.bounce('{returned}', 'not wanted here')")).ShouldBe("done");
        (await admin.AskAsync($"SELECT dsn || ' ' || reason FROM mta.queue_recipient WHERE queue_id = '{returned}'")).ShouldBe("5.0.0 not wanted here");
        (await admin.AskAsync($"SELECT reason FROM mta.queue WHERE queue_id = '{returned}' AND due_at <= now()")).ShouldBe("not wanted here");
        (await AdminFixture.RefusedAsync(admin.Admin, $"SELECT mta.bounce('{returned}', '')")).ShouldBe("reason is not a line of at most 500 characters");
    }

    [Fact]
    public async Task A_suspended_destination_is_not_claimed_until_it_is_resumed()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.StoreAsync("deferred");
        await admin.Queue.ExecuteAsync("INSERT INTO mta_store.destination VALUES ('example.org', now() + interval '1 hour')");
        (await admin.AskAsync("SELECT mta.suspend('Example.ORG')")).ShouldBe("done");
        (await admin.AskAsync("SELECT mta.flush('example.org')")).ShouldBe("done");
        (await admin.Queue.Reader.DueDestinationsAsync(10, default)).ShouldBeEmpty();
        (await admin.AskAsync("SELECT name || ' ' || until FROM mta.suspension")).ShouldBe("example.org infinity");
        (await new RequestStore(admin.Queue.Source).ReadAsync(admin.Queue.Epoch, default)).Destinations.ShouldBe(["example.org"]);
        (await admin.AskAsync("SELECT mta.resume('example.org')")).ShouldBe("done");
        (await admin.AskAsync("SELECT mta.resume('example.org')")).ShouldBe("not found");
        (await admin.Queue.Reader.DueDestinationsAsync(10, default)).ShouldHaveSingleItem().Name.ShouldBe("example.org");
        (await admin.AskAsync("SELECT mta.flush_all()")).ShouldBe("done");
        (await admin.AskAsync("SELECT mta.suspend_sender('@Example.com', now() - interval '1 s')")).ShouldBe("done");
        (await admin.AskAsync("SELECT count(*) FROM mta.suspension")).ShouldBe("0");
    }

    [Theory]
    [InlineData("hold", "active,incoming,deferred,hold,corrupt", "active:requested=active,incoming:done=hold,deferred:done=hold,hold:done=hold,corrupt:nothing to do=corrupt")]
    [InlineData("release", "active,incoming,deferred,hold,corrupt", "active:nothing to do=active,incoming:nothing to do=incoming,deferred:nothing to do=deferred,hold:done=deferred,corrupt:done=deferred")]
    [InlineData("requeue", "active,incoming,deferred,hold,corrupt", "active:requested=active,incoming:done=maildrop,deferred:done=maildrop,hold:done=maildrop,corrupt:nothing to do=corrupt")]
    [InlineData("delete", "active,incoming,deferred,hold,corrupt", "active:requested=active,incoming:done=,deferred:done=,hold:done=,corrupt:done=")]
    [InlineData("expire", "active,incoming,deferred,hold,corrupt", "active:requested=active,incoming:done=incoming,deferred:done=deferred,hold:done=hold,corrupt:nothing to do=corrupt")]
    public async Task Many_messages_are_handled_at_once_as_one_is(string action, string queues, string outcomes)
    {
        await using var admin = await AdminFixture.CreateAsync();
        var ids = new List<(string Queue, long Id)>();

        // The fixture moves all that is in incoming: that one comes last.
        foreach (var queueName in queues.Split(',').OrderBy(q => q == "incoming"))
        {
            ids.Add((queueName, (await admin.StoreAsync(queueName)).Value));
        }

        if (action is "delete")
        {
            await admin.Queue.SettleContentAsync();
        }

        const long unknown = 5L << 12;
        var results = await new QueueAdministration(admin.Queue.Source, "carol").AdministerAsync(action, [.. ids.Select(i => i.Id).Reverse(), unknown, ids[0].Id], default);
        results.Count.ShouldBe(ids.Count + 1);
        results[unknown].ShouldBe("not found");
        foreach (var (queueName, id) in ids)
        {
            outcomes.Split(',').ShouldContain($"{queueName}:{results[id]}={await admin.AskAsync($"SELECT queue_name FROM mta.queue WHERE id = {id}")}");
        }

        var counted = results.Values.Count(r => r is "done" or "requested");
        (await admin.AskAsync("SELECT count(*) FROM mta.admin_log WHERE operator = 'carol' AND by_role <> ''")).ShouldBe($"{counted}");
        if (action is "delete")
        {
            (await admin.Queue.CountAsync("recipient")).ShouldBe(1, "what the node owns");
            (await admin.Queue.CountAsync("any_content")).ShouldBe(1);
        }

        if (action is "requeue")
        {
            (await admin.AskAsync("SELECT string_agg(DISTINCT sender || ' ' || recipients[1], ',') || count(*) FROM mta.maildrop")).ShouldBe("s@example.com r@example.org3");
            (await admin.Queue.CountAsync("maildrop_chunk")).ShouldBe(3);
            (await admin.Queue.CountContentAsync()).ShouldBe(2);
        }

        if (action is "release")
        {
            (await admin.Queue.Reader.DueDestinationsAsync(10, default)).ShouldContain(d => d.Name == "(released)");
            (await admin.Queue.Reader.ClaimDeferredAsync(admin.Queue.Epoch, "(released)", 10, default)).Count.ShouldBe(2);
        }
    }

    [Fact]
    public async Task Text_that_is_no_queue_id_is_refused()
    {
        await using var admin = await AdminFixture.CreateAsync();
        (await AdminFixture.RefusedAsync(admin.Admin, "SELECT mta.hold('ABC')")).ShouldBe("not a queue id: \"ABC\"");
        (await AdminFixture.RefusedAsync(admin.Admin, "SELECT mta.hold(NULL)")).ShouldBe("not a queue id: \"<NULL>\"");
    }

    // A plan of a table that was empty when it was made is kept by the session: a scan would then go through all that was put there before, each time.
    [Theory]
    [InlineData("SELECT count(mta.requeue(queue_id)) FROM mta.deferred")]
    [InlineData("SELECT count(*) FROM mta_store.administer_many(ARRAY(SELECT id FROM mta_store.deferred), 'requeue', 'x', 'y')")]
    [InlineData("SELECT count(mta.submit('s@x', ARRAY['r@x'], E'Subject: x\n\nx\n')) FROM generate_series(1, 1000)")]
    public async Task Many_messages_go_into_a_maildrop_that_was_empty_without_scans_of_it(string put)
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.Queue.ExecuteAsync("""
            INSERT INTO mta_store.deferred (id, sender, size, recipient_count, chunk_count, destination, due_at)
                SELECT (n << 12) + 16, 's@x', 1000, 1, 1, 'd' || n % 100, now() + interval '1 hour' FROM generate_series(1, 1000) n;
            INSERT INTO mta_store.recipient (message_id, number, address) SELECT id, 0, 'r@x' FROM mta_store.deferred;
            INSERT INTO mta_store.content SELECT id, 0, convert_to(repeat('x', 1000), 'UTF8') FROM mta_store.deferred;
            """);
        await admin.Queue.ExecuteAsync("VACUUM (ANALYZE) mta_store.maildrop");
        await using var daemon = admin.Queue.As("mta_daemon");
        await using var connection = await daemon.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        (await new Npgsql.NpgsqlCommand(put, connection).ExecuteScalarAsync()).ShouldBe(1000L);
        (await new Npgsql.NpgsqlCommand("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'maildrop'", connection).ExecuteScalarAsync())
            .ShouldBeOfType<long>().ShouldBeLessThan(2000);
    }

    // The issue's limit is 100,000 in 10 s; a tenth of that here, so that a loaded machine does not decide.
    [Fact]
    public async Task Ten_thousand_deferred_messages_are_held_and_released_in_a_few_seconds()
    {
        await using var admin = await AdminFixture.CreateAsync();
        const int count = 10_000;
        await admin.Queue.ExecuteAsync($"""
            INSERT INTO mta_store.deferred (id, sender, size, recipient_count, chunk_count, destination, due_at)
                SELECT (n << 12) + 16, 's@x', 1000, 1, 1, 'd' || n % 100, now() + interval '1 hour' FROM generate_series(1, {count}) n;
            INSERT INTO mta_store.recipient (message_id, number, address) SELECT id, 0, 'r@x' FROM mta_store.deferred;
            INSERT INTO mta_store.content SELECT id, 0, convert_to(repeat('x', 1000), 'UTF8') FROM mta_store.deferred;
            ANALYZE mta_store.deferred;
            """);
        foreach (var (function, from) in new[] { ("hold", "deferred"), ("release", "hold"), ("requeue", "deferred") })
        {
            var start = Stopwatch.GetTimestamp();
            (await admin.AskAsync($"SELECT count(mta.{function}(queue_id)) FROM mta.queue WHERE queue_name = '{from}'")).ShouldBe($"{count}");
            var elapsed = Stopwatch.GetElapsedTime(start);
            TestContext.Current.SendDiagnosticMessage($"{function}: {elapsed.TotalMilliseconds:F0} ms for {count}");
            elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        }

        (await admin.Queue.CountAsync("maildrop")).ShouldBe(count);
    }
}
