using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Admin;

/// <summary>Each role tries what it may not.</summary>
public sealed class RoleTests
{
    [Fact]
    public async Task Report_reads_views_and_no_content_and_changes_nothing()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("deferred");
        (await AdminFixture.ScalarAsync(admin.Report, "SELECT sender FROM mta.queue")).ShouldBe("s@example.com");
        (await AdminFixture.ScalarAsync(admin.Report, "SELECT address FROM mta.queue_recipient")).ShouldBe("r@example.org");
        (await AdminFixture.ScalarAsync(admin.Report, "SELECT count(*) FROM mta.delivery_log, mta.admin_log, mta.suspension, mta.request")).ShouldBe("0");
        (await AdminFixture.ScalarAsync(admin.Report, "SELECT name FROM mta.node")).ShouldBe("node-a");
        foreach (var sql in new[]
        {
            "SELECT data FROM mta_store.content", "SELECT 1 FROM mta_store.deferred", "SELECT data FROM mta_store.maildrop_chunk", "SELECT instance FROM mta.node",
            "SELECT value FROM mta.lookup", $"SELECT mta.hold('{id}')", $"SELECT mta.delete('{id}')", "SELECT mta.flush_all()", "SELECT mta_store.apply_requests()",
            "SELECT mta.submit('a@b', '{c@d}', 'x'::text)", "INSERT INTO mta.maildrop (sender, recipients, message) VALUES ('a@b', '{c@d}', 'x')",
            "DELETE FROM mta.delivery_log", "UPDATE mta.node SET state = 'ended'", "DELETE FROM mta.deferred", "CREATE TABLE mta.mine (a int)",
        })
        {
            (await AdminFixture.RefusedAsync(admin.Report, sql)).ShouldBe("denied", sql);
        }

        (await admin.Queue.ScalarAsync<string>("SELECT array_to_string(rolconfig, ',') FROM pg_roles WHERE rolname = 'mta_report'")).ShouldContain("statement_timeout=");
    }

    [Fact]
    public async Task Administrators_act_through_functions_only()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.StoreAsync("deferred");
        foreach (var sql in new[]
        {
            "SELECT data FROM mta_store.content", "DELETE FROM mta_store.deferred", "DELETE FROM mta.deferred", "INSERT INTO mta_store.request VALUES (1, 'hold', NULL, 'me')",
            "SELECT mta_store.apply_owned(1, '{1}')", "SELECT mta_store.administer(1, 'delete', NULL, 'somebody else', NULL)", "SELECT mta.end_epoch('node-a', 1)",
            "DELETE FROM mta.admin_log", "DELETE FROM mta_store.admin_log", "SELECT mta.maildrop_take(1, '1 s')", "SELECT instance FROM mta.node",
        })
        {
            (await AdminFixture.RefusedAsync(admin.Admin, sql)).ShouldBe("denied", sql);
        }
    }

    [Fact]
    public async Task Submit_hands_in_mail_and_sees_none()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var id = await admin.StoreAsync("deferred");
        foreach (var sql in new[]
        {
            "SELECT 1 FROM mta.queue", "SELECT sender FROM mta.maildrop", "SELECT 1 FROM mta_store.maildrop", "INSERT INTO mta_store.maildrop (id, sender, recipients) VALUES (1, '', '{a}')",
            "DELETE FROM mta.maildrop", "SELECT 1 FROM mta.delivery_log", "SELECT 1 FROM mta.admin_log", $"SELECT mta.delete('{id}')", "SELECT mta.flush_all()", "SELECT name FROM mta.node",
            "SELECT mta.maildrop_take(1, '1 s')", "INSERT INTO mta.maildrop (sender, recipients, message, submitted_by) VALUES ('a@b', '{c@d}', 'x', 'root')",
        })
        {
            (await AdminFixture.RefusedAsync(admin.Submit, sql)).ShouldBe("denied", sql);
        }
    }

    [Fact]
    public async Task The_daemon_owns_no_table_and_changes_no_schema()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await using var daemon = admin.Queue.As("mta_daemon");
        foreach (var sql in new[]
        {
            "CREATE TABLE mta_store.mine (a int)", "UPDATE mta.schema_compatibility SET oldest_program = '9.9.9'", "CREATE ROLE mine",
        })
        {
            (await AdminFixture.RefusedAsync(daemon, sql)).ShouldBe("denied", sql);
        }

        (await AdminFixture.RefusedAsync(daemon, "DROP TABLE mta_store.deferred")).ShouldBe("denied");
    }
}
