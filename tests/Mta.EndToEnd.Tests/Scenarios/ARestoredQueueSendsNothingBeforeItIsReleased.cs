using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class ARestoredQueueSendsNothingBeforeItIsReleased
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_restored_queue_sends_nothing_before_it_is_released()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var restored = await TestDatabase.CreateEmptyAsync();
        await using var sink = await SmtpSink.StartAsync(Cancel);
        await using var mta = await MtaInstance.StartAsync(
            Cancel, string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{Ports.Free()}\ndatabase_url = {Url(database.ConnectionString)}\n"));
        await using (var client = await mta.ConnectAsync(Cancel))
        {
            (await client.SendMailAsync("sender@client.test", ["gone@elsewhere.test"], TestMail.Make("gone", "x\n"), Cancel)).ShouldStartWith("250 ");
        }

        await Until.TrueAsync(async () => (await mta.QueueAsync(Cancel)) is [{ QueueName: "deferred" }], "the message is deferred", Cancel);
        await BackUpAndRestoreAsync(database, restored);

        // After the backup the message goes out.
        await ConfigureAsync(mta, string.Create(CultureInfo.InvariantCulture, $"relayhost=[127.0.0.1]:{sink.Port}"));
        (await mta.PostfixAsync("reload", Cancel)).Succeeded();
        (await mta.PostfixAsync("flush", Cancel)).Succeeded();
        (await sink.WaitForAsync(1, Cancel)).ShouldHaveSingleItem();
        await mta.WaitForEmptyQueueAsync(Cancel);
        (await mta.PostfixAsync("stop", Cancel)).Succeeded();

        await ConfigureAsync(mta, "database_url=" + Url(restored.ConnectionString));
        await using (var end = restored.DataSource.CreateCommand("UPDATE mta.node SET lease_until = now() - interval '1 second'"))
        {
            await end.ExecuteNonQueryAsync(Cancel);
        }

        (await mta.PostfixAsync("start-on-hold", Cancel)).Error.ShouldContain("set aside 1 messages of the restored queue");

        await using (var client = await mta.ConnectAsync(Cancel))
        {
            (await client.SendMailAsync("sender@client.test", ["new@elsewhere.test"], TestMail.Make("new", "x\n"), Cancel)).ShouldStartWith("250 ");
        }

        (await sink.WaitForAsync(2, Cancel)).Select(m => m.Recipients[0]).Order().ShouldBe(["gone@elsewhere.test", "new@elsewhere.test"]);
        (await mta.QueueAsync(Cancel)).ShouldHaveSingleItem().QueueName.ShouldBe("hold");

        (await mta.RunAsync("postsuper", ["-H", "ALL"], null, Cancel)).Succeeded();
        (await sink.WaitForAsync(3, Cancel)).Count(m => m.Recipients[0] == "gone@elsewhere.test").ShouldBe(2);
    }

    [Fact]
    public async Task A_start_on_hold_is_refused_while_another_node_runs()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var other = await MtaInstance.StartAsync(Cancel, $"database_url = {Url(database.ConnectionString)}\nnode_name = other\n");
        await using var mta = MtaInstance.Create($"database_url = {Url(database.ConnectionString)}\n");

        var refusal = await mta.PostfixAsync("start-on-hold", Cancel);

        refusal.ExitCode.ShouldBe(1);
        refusal.Error.ShouldContain("nothing was set aside and nothing is started: database: nodes are running on this database: other");
        (await mta.PostfixAsync("status", Cancel)).ExitCode.ShouldBe(1);
    }

    private static async Task ConfigureAsync(MtaInstance mta, string setting) => (await mta.RunAsync("postconf", ["-e", setting], null, Cancel)).Succeeded();

    private static async Task BackUpAndRestoreAsync(TestDatabase from, TestDatabase to)
    {
        var file = Path.GetTempFileName();
        try
        {
            (await CommandResult.RunAsync("pg_dump", ["-Fc", "-f", file, "-d", Url(from.ConnectionString)], null, null, Cancel)).Succeeded();
            (await CommandResult.RunAsync("pg_restore", ["--exit-on-error", "-d", Url(to.ConnectionString), file], null, null, Cancel)).Succeeded();
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Url(string connectionString)
    {
        var login = new NpgsqlConnectionStringBuilder(connectionString);
        var password = login.Password is { Length: > 0 } given ? "&password=" + Uri.EscapeDataString(given) : "";
        return string.Create(CultureInfo.InvariantCulture, $"postgresql://{login.Username}@/{login.Database}?host={login.Host}&port={login.Port}{password}");
    }
}
