using Mta.Storage.Nodes;
using Mta.Storage.Tests.Admin;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Maildrop;

/// <summary>Mail by SQL while nodes see no room for it.</summary>
public sealed class RoomTests
{
    private const string Submit = "SELECT mta.submit('s@example.com', ARRAY['r@example.org'], E'Subject: x\n\nx\n')";
    private const string Insert = "INSERT INTO mta.maildrop (sender, recipients, message) VALUES ('s@example.com', '{r@example.org}', 'Subject: x')";
    private const string Refusal = "not enough free space in mail queue";

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(Submit)]
    [InlineData(Insert)]
    public async Task Mail_is_refused_while_a_node_with_a_lease_sees_no_room(string send)
    {
        await using var admin = await AdminFixture.CreateAsync();
        await TellAsync(admin, isFull: true);
        var refused = await Should.ThrowAsync<PostgresException>(() => AdminFixture.ScalarAsync(admin.Submit, send));
        refused.SqlState.ShouldBe(PostgresErrorCodes.DiskFull);
        refused.MessageText.ShouldBe(Refusal);
        (await admin.Queue.CountAsync("maildrop")).ShouldBe(0);

        await TellAsync(admin, isFull: false);
        await AdminFixture.ScalarAsync(admin.Submit, send);
        (await admin.Queue.CountAsync("maildrop")).ShouldBe(1);
    }

    [Theory]
    // Silent, and ended.
    [InlineData("UPDATE mta.node SET lease_until = clock_timestamp()")]
    [InlineData("SELECT mta.end_epoch(name, epoch) FROM mta.node")]
    public async Task What_a_node_saw_that_is_gone_refuses_nothing(string gone)
    {
        await using var admin = await AdminFixture.CreateAsync();
        await TellAsync(admin, isFull: true);
        (await AdminFixture.RefusedAsync(admin.Submit, Submit)).ShouldBe(Refusal);
        await admin.Queue.ExecuteAsync(gone);
        await AdminFixture.ScalarAsync(admin.Submit, Submit);
    }

    [Fact]
    public async Task Of_two_nodes_the_one_that_sees_the_disk_counts()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await admin.Queue.Nodes.BeginAsync(new NodeIdentity("blind", "x", "host", 2, "0"), Lease, default);
        await TellAsync(admin, isFull: true);
        (await AdminFixture.RefusedAsync(admin.Submit, Submit)).ShouldBe(Refusal);
        (await AdminFixture.ScalarAsync(admin.Report, "SELECT string_agg(name, ',') FROM mta.node WHERE is_full")).ShouldBe(admin.Queue.Epoch.Name);
    }

    private static async Task TellAsync(AdminFixture admin, bool isFull) =>
        (await admin.Queue.Nodes.HeartbeatAsync(admin.Queue.Epoch, Lease, new NodeReport(0, 0, 0, 0, true, isFull), Lease, default)).IsAlive.ShouldBeTrue();
}
