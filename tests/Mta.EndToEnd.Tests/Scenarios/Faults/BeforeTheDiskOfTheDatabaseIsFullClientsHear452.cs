using Mta.EndToEnd.Tests.Harness;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class BeforeTheDiskOfTheDatabaseIsFullClientsHear452
{
    private const string NoSpace = "452 4.3.1 Insufficient system storage";

    // Vacuum gives the end of emptied tables back to the disk, here at once.
    private const string ServerOptions = "-c max_wal_size=64MB -c min_wal_size=32MB -c autovacuum_naptime=1s -c autovacuum_vacuum_cost_limit=5000";
    private const string Submit = "SELECT mta.submit('sender@client.test', ARRAY['a@elsewhere.test'], E'Subject: by-sql\\n\\nx\\n')";
    private const string MainCf = FaultTraffic.MainCf + "\ndatabase_reserve = 160000000\nmessage_size_limit = 2000000";

    [Fact]
    public async Task Before_the_disk_of_the_database_is_full_clients_hear_452_and_service_resumes_when_there_is_room()
    {
        var token = TestContext.Current.CancellationToken;
        await using var disk = await SmallDisk.MountAsync(400, token);
        await using var server = DatabaseServer.Start(ServerOptions, disk.Path);
        // One node sees the disk, the other asks the database.
        await using var cluster = await MtaCluster.StartAsync([server.LocalUrl, server.Url], () => server, token, MainCf);
        await server.ScalarAsync<object>(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "free_space.sql"), token), token);
        await cluster.Sink.SignalAsync("STOP", token);
        await using var traffic = FaultTraffic.Start(cluster, sessions: 4, size: 200);

        await Task.WhenAll(traffic.RefusesAsync(0, token, NoSpace), traffic.RefusesAsync(1, token, NoSpace));
        traffic.Accepted.ShouldBeGreaterThan(20);
        await MailOfCommandsAndSqlIsRefusedAsync(cluster, token);
        await traffic.StopAsync();
        await cluster.Sink.SignalAsync("CONT", token);
        await traffic.CheckAsync(token);
        server.Log().ShouldNotContain("PANIC");
        server.Log().ShouldNotContain("No space left on device");

        await Until.TrueAsync(async () => (await SendAsync(cluster.Nodes[1], token)).ExitCode == 0, "sendmail is served again", token);
        await cluster.ScalarAsync<string>(Submit, token);
        await using var again = FaultTraffic.Start(cluster, name: "again");
        await again.FlowsAsync(50, token);
        await again.CheckAsync(token);

        // The next version applies its grants again, as the owner of the schema.
        await server.ScalarAsync<object>("UPDATE mta.schema_compatibility SET grants_applied = ''", token);
        (await cluster.Nodes[1].PostfixAsync("stop", token)).Succeeded();
        (await cluster.Nodes[1].PostfixAsync("start", token)).Succeeded();
        (await server.ScalarAsync<long>("SET ROLE mta_daemon; SELECT mta.free_space()", token)).ShouldBePositive();
    }

    [Fact]
    public async Task A_server_that_panicked_on_a_full_disk_comes_back_when_there_is_room_and_no_node_needs_a_restart()
    {
        var token = TestContext.Current.CancellationToken;
        await using var disk = await SmallDisk.MountAsync(380, token);
        await using var server = DatabaseServer.Start(ServerOptions, disk.Path);
        await using var cluster = await MtaCluster.StartAsync([server.LocalUrl, server.LocalUrl], () => server, token, MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        await traffic.FlowsAsync(50, token);

        // Somebody else fills the disk to the last byte, and the WAL has to grow: the slot keeps checkpoints from using it again.
        await server.ScalarAsync<object>("SELECT pg_create_physical_replication_slot('keeps_wal', true)::text", token);
        disk.Fill();
        await Until.TrueAsync(() => PanicsAsync(server, token), "PostgreSQL panics", token);
        await Task.WhenAll(traffic.RefusesAsync(0, token), traffic.RefusesAsync(1, token));
        disk.Free();
        if (!server.IsRunning)
        {
            server.StartAgain();
        }

        await traffic.FlowsAsync(50, token);
        await server.ScalarAsync<object>("SELECT pg_drop_replication_slot('keeps_wal')::text", token);
        await traffic.CheckAsync(token);
    }

    private static async Task MailOfCommandsAndSqlIsRefusedAsync(MtaCluster cluster, CancellationToken cancellationToken)
    {
        await Until.TrueAsync(() => cluster.ScalarAsync<bool>("SELECT bool_and(is_full) FROM mta.node", cancellationToken), "both nodes tell that there is no room", cancellationToken);
        foreach (var node in cluster.Nodes)
        {
            var sent = await SendAsync(node, cancellationToken);
            sent.ExitCode.ShouldBe(75);
            sent.Error.ShouldEndWith("queue file write error: not enough free space in mail queue\n");
        }

        var refused = await Should.ThrowAsync<PostgresException>(() => cluster.ScalarAsync<string>(Submit, cancellationToken));
        refused.SqlState.ShouldBe(PostgresErrorCodes.DiskFull);
        refused.MessageText.ShouldBe("not enough free space in mail queue");
    }

    private static Task<CommandResult> SendAsync(MtaInstance node, CancellationToken cancellationToken) =>
        node.RunAsync("sendmail", ["-f", "sender@client.test", "a@elsewhere.test"], TestMail.Make("by-command", "x\n"), cancellationToken);

    private static async Task<bool> PanicsAsync(DatabaseServer server, CancellationToken cancellationToken)
    {
        try
        {
            await server.ScalarAsync<object>("SELECT pg_logical_emit_message(true, 'x', repeat('x', 10000000)), pg_switch_wal()", cancellationToken);
        }
        catch (NpgsqlException)
        {
            // It is no more.
        }

        return server.Log().Contains("PANIC", StringComparison.Ordinal);
    }
}
