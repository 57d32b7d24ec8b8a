using Mta.EndToEnd.Tests.Harness;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class RoomInTheQueueIsMeasuredAsTheConfigurationSays
{
    private const string NoSpace = "452 4.3.1 Insufficient system storage";

    private const string Submit = "SELECT mta.submit('a@client.test', ARRAY['user1@virtual.test'], E'Subject: x\\n\\nhello\\n')";

    [Theory]
    // More than any disk has.
    [InlineData("queue_minfree = 1000000000000000")]
    [InlineData("database_reserve = 1000000000000000")]
    [InlineData("message_size_limit = 1000000000000000")]
    // Less than an empty database has.
    [InlineData("queue_size_limit = 1000000")]
    public async Task Clients_hear_452_where_a_limit_says_so_until_it_is_changed(string limit)
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token, limit);
        (await MailAsync(mta, token)).ShouldBe(NoSpace);

        // The other ways in hear of it with the node's heartbeat.
        await Until.TrueAsync(async () => (bool)(await mta.SqlAsync(token, "SELECT is_full FROM mta.node"))!, "the node tells that there is no room", token);
        var refused = await SendAsync(mta, token);
        refused.ExitCode.ShouldBe(75);
        refused.Error.ShouldEndWith("queue file write error: not enough free space in mail queue\n");
        refused.Output.ShouldBeEmpty();
        var error = await Should.ThrowAsync<PostgresException>(() => mta.SqlAsync(token, "SET ROLE mta_submit", Submit));
        error.SqlState.ShouldBe(PostgresErrorCodes.DiskFull);
        error.MessageText.ShouldBe("not enough free space in mail queue");
        await Should.ThrowAsync<PostgresException>(() => mta.SqlAsync(token, "INSERT INTO mta.maildrop (sender, recipients, message) VALUES ('a@client.test', '{user1@virtual.test}', 'Subject: x')"));

        await File.AppendAllTextAsync(Path.Combine(mta.ConfigurationDirectory, "main.cf"), limit[..limit.IndexOf(' ')] + " = 0\n", token);
        (await mta.PostfixAsync("reload", token)).Succeeded();
        await Until.TrueAsync(async () => (await MailAsync(mta, token)).StartsWith("250 ", StringComparison.Ordinal), "mail is taken after the reload", token);
        await Until.TrueAsync(async () => (await SendAsync(mta, token)).ExitCode == 0, "sendmail takes mail, too", token);
        await mta.SqlAsync(token, "SET ROLE mta_submit", Submit);
        (await mta.WaitForMailsAsync("user1", 2, token)).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Deliveries_wait_only_while_the_reserve_itself_is_nearly_gone()
    {
        var token = TestContext.Current.CancellationToken;
        await using var disk = await SmallDisk.MountAsync(50, token);
        await using var cluster = await MtaCluster.StartAsync(
            1, token, $"{FaultTraffic.MainCf}\ndatabase_directory = {disk.Path}\ndatabase_reserve = 20000000\nmessage_size_limit = 1000000");
        await using var traffic = FaultTraffic.Start(cluster);
        await cluster.Sink.SignalAsync("STOP", token);
        await traffic.FlowsAsync(100, token);

        disk.Fill();
        await cluster.Nodes[0].WaitForLogAsync("deliveries wait", token);
        await traffic.RefusesAsync(0, token, NoSpace);
        await cluster.Sink.SignalAsync("CONT", token);

        // What was under way ends, and heartbeats later the rest is still there.
        await cluster.Nodes[0].WaitForLogAsync(": removed", token);
        var beat = await cluster.ScalarAsync<DateTime>("SELECT heartbeat_at FROM mta.node", token);
        await Until.TrueAsync(async () => await cluster.ScalarAsync<DateTime>("SELECT heartbeat_at FROM mta.node", token) > beat.AddSeconds(2), "heartbeats", token);
        (await cluster.ScalarAsync<long>("SELECT count(*) FROM mta.active", token)).ShouldBeGreaterThan(50);

        disk.Free();
        await cluster.Nodes[0].WaitForLogAsync("deliveries go on", token);
        await traffic.FlowsAsync(5, token);
        await traffic.CheckAsync(token);
    }

    private static Task<CommandResult> SendAsync(MtaInstance mta, CancellationToken cancellationToken) =>
        mta.RunAsync("sendmail", [$"user1@{MtaInstance.VirtualDomain}"], "Subject: x\n\nhello\n", cancellationToken);

    private static async Task<string> MailAsync(MtaInstance mta, CancellationToken cancellationToken)
    {
        await using var client = await mta.ConnectAsync(cancellationToken);
        await client.ExpectAsync("EHLO client.test", "250", cancellationToken);
        return await client.SayAsync("MAIL FROM:<a@client.test>", cancellationToken);
    }
}
