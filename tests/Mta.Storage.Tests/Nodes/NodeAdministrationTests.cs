using Mta.Storage.Nodes;
using Mta.Storage.Tests.Admin;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Nodes;

public sealed class NodeAdministrationTests
{
    private static readonly NodeIdentity Identity = new("node-a", "secret", "host", 1, "0");

    [Fact]
    public async Task A_drained_node_hears_it_with_its_heartbeat_and_at_its_next_start()
    {
        await using var admin = await AdminFixture.CreateAsync();
        var nodes = admin.Queue.Nodes;
        var other = (await nodes.BeginAsync(new NodeIdentity("node-b", "x", "host", 2, "0"), TimeSpan.FromMinutes(1), default))!;
        admin.Queue.Epoch.Drained.ShouldBeFalse();
        (await BeatAsync(admin, admin.Queue.Epoch)).ShouldBe(new HeartbeatAnswer(true, Drained: false, other.Epoch, OthersDrain: false, LeastLoad: 0));

        (await admin.AskAsync("SELECT mta.drain_node('node-a')")).ShouldBe("done");
        (await admin.AskAsync("SELECT mta.drain_node('nobody')")).ShouldBe("not found");
        (await BeatAsync(admin, admin.Queue.Epoch)).Drained.ShouldBeTrue();
        (await BeatAsync(admin, other)).ShouldBe(new HeartbeatAnswer(true, Drained: false, other.Epoch, OthersDrain: true, LeastLoad: null));
        (await AdminFixture.ScalarAsync(admin.Report, "SELECT state || drained_by FROM mta.node_status WHERE name = 'node-a'")).ShouldBe("drained" + await admin.AskAsync("SELECT session_user"));

        var restarted = (await nodes.BeginAsync(Identity, TimeSpan.FromMinutes(1), default))!;
        restarted.Drained.ShouldBeTrue();
        (await admin.AskAsync("SELECT mta.undrain_node('node-a')")).ShouldBe("done");
        (await BeatAsync(admin, restarted)).Drained.ShouldBeFalse();
        (await admin.AskAsync("SELECT string_agg(action || ' ' || subject, ',' ORDER BY at) FROM mta.admin_log")).ShouldBe("drain_node node-a,undrain_node node-a");
    }

    [Fact]
    public async Task A_node_with_a_lease_is_not_removed_and_one_without_is_with_its_mail_handed_back()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.StoreAsync("active");
        (await AdminFixture.RefusedAsync(admin.Report, "SELECT mta.remove_node('node-a')")).ShouldBe("denied");
        (await AdminFixture.RefusedAsync(admin.Admin, "SELECT mta.remove_node('node-a')")).ShouldMatch("node \"node-a\" is live: its lease ends in \\d+ s unless it renews it; stop it first");
        (await admin.Queue.CountAsync("active")).ShouldBe(1);

        await admin.Queue.ExecuteAsync("UPDATE mta.node SET lease_until = now(), possible_duplicates = 7");
        (await admin.AskAsync("SELECT state FROM mta.node_status")).ShouldBe("expired");
        (await admin.AskAsync("SELECT mta.remove_node('node-a')")).ShouldBe("done");
        (await admin.AskAsync("SELECT mta.remove_node('node-a')")).ShouldBe("not found");
        (await admin.Queue.CountAsync("active")).ShouldBe(0);
        (await admin.Queue.CountAsync("incoming")).ShouldBe(1);
        (await admin.Queue.CountAsync("node")).ShouldBe(0);
        (await admin.AskAsync("SELECT action || ' ' || subject || ' ' || reason FROM mta.admin_log")).ShouldBe("remove_node node-a possible duplicates: 7");

        // It may come back, under another epoch.
        (await BeatAsync(admin, admin.Queue.Epoch)).IsAlive.ShouldBeFalse();
        (await admin.Queue.Nodes.BeginAsync(Identity, TimeSpan.FromMinutes(1), default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task The_log_of_administration_is_kept_as_long_as_is_said()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.Queue.ExecuteAsync("INSERT INTO mta_store.admin_log (at, action, result) SELECT now() - n * interval '1 h', 'hold', 'done' FROM generate_series(0, 25000) n");
        await admin.Queue.Nodes.TrimAdminLogAsync(TimeSpan.FromHours(10.5), default);
        (await admin.AskAsync("SELECT count(*) || ' ' || bool_and(at > now() - interval '11 h') FROM mta.admin_log")).ShouldBe("11 true");
    }

    [Fact]
    public async Task A_schema_that_running_nodes_cannot_live_with_waits_until_they_are_upgraded_or_stopped()
    {
        await using var admin = await AdminFixture.CreateAsync();
        const string raise = "UPDATE mta.schema_compatibility SET oldest_program = '0.10.0' RETURNING oldest_program";
        await admin.Queue.Nodes.BeginAsync(new NodeIdentity("node-b", "x", "host", 2, "0.9.3"), TimeSpan.FromMinutes(1), default);
        await using var owner = admin.Queue.As("mta_owner");
        (await AdminFixture.RefusedAsync(owner, raise)).ShouldBe(
            "this schema needs programs of version 0.10.0 or later, and older ones are running: node-a (0), node-b (0.9.3); upgrade or stop them first");

        await admin.Queue.Nodes.EndAsync(admin.Queue.Epoch, default);
        await admin.Queue.Nodes.BeginAsync(new NodeIdentity("node-b", "x", "host", 2, "0.10.0"), TimeSpan.FromMinutes(1), default);
        (await AdminFixture.ScalarAsync(owner, raise)).ShouldBe("0.10.0");
    }

    private static async Task<HeartbeatAnswer> BeatAsync(AdminFixture admin, NodeEpoch epoch) =>
        await admin.Queue.Nodes.HeartbeatAsync(epoch, TimeSpan.FromMinutes(1), new NodeReport(0, 5, 2, 1, Delivers: true), TimeSpan.FromSeconds(20), default);
}
