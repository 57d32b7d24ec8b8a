using Mta.Storage.Tests.Queue;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Admin;

/// <summary>mta.hold_restored(), before the first start after a restore.</summary>
public sealed class RestoreTests
{
    [Fact]
    public async Task Mail_of_every_queue_is_set_aside_and_each_message_can_be_let_go()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var active = await admin.StoreAsync("active");
        var deferred = await admin.StoreAsync("deferred");
        var held = await admin.StoreAsync("hold");
        var incoming = await admin.StoreAsync("incoming");
        var submitted = await AdminFixture.ScalarAsync(admin.Submit, "SELECT mta.submit('s@example.com', ARRAY['r@example.org'], E'Subject: x\\n\\nx\\n')");
        await admin.Queue.ExecuteAsync("UPDATE mta.node SET lease_until = now() - interval '1 hour'");

        (await admin.AskAsync("SELECT mta.hold_restored()")).ShouldBe("4");

        (await admin.AskAsync("SELECT string_agg(held_by, ',' ORDER BY held_by) FROM mta.hold")).ShouldBe("restore,restore,restore,test");
        (await admin.AskAsync("SELECT count(*) FROM mta.queue WHERE queue_name NOT IN ('hold', 'maildrop')")).ShouldBe("0");
        (await admin.Queue.ScalarAsync<string>("SELECT state FROM mta.node")).ShouldBe("ended");
        (await admin.Queue.ScalarAsync<long>("SELECT count(*) FROM mta.maildrop_take(10, interval '1 minute')")).ShouldBe(0);
        foreach (var id in new[] { active, deferred, incoming, held })
        {
            (await admin.CallAsync("release", id)).ShouldBe("done");
        }

        (await admin.AskAsync($"SELECT mta.release('{submitted}')")).ShouldBe("done");
        (await admin.AskAsync($"SELECT mta.release('{submitted}')")).ShouldBe("nothing to do");
        (await admin.AskAsync("SELECT count(*) FROM mta.deferred WHERE due_at <= now()")).ShouldBe("4");
        (await admin.Queue.ScalarAsync<long>("SELECT count(*) FROM mta.maildrop_take(10, interval '1 minute')")).ShouldBe(1);
    }

    [Fact]
    public async Task It_is_refused_while_a_node_is_live()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.StoreAsync("incoming");

        (await AdminFixture.RefusedAsync(admin.Admin, "SELECT mta.hold_restored()")).ShouldBe("nodes are running on this database: node-a");
        (await AdminFixture.RefusedAsync(admin.Report, "SELECT mta.hold_restored()")).ShouldBe("denied");
        (await admin.AskAsync("SELECT count(*) FROM mta.incoming")).ShouldBe("1");
    }
}
