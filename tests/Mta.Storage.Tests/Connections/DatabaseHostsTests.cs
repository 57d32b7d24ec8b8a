using System.Net;
using System.Net.Sockets;
using Mta.Storage.Connections;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Connections;

/// <summary>Several servers in one database_url. Which of them is chosen under a fail-over is tried end to end.</summary>
public sealed class DatabaseHostsTests
{
    [Theory]
    [InlineData("db1,db2", "db1 5432|db2 5432")]
    [InlineData("db1:5433, 192.0.2.1:5434", "db1 5433|192.0.2.1 5434")]
    [InlineData("[2001:db8::1]:5433,[2001:db8::2],2001:db8::3", "[2001:db8::1] 5433|[2001:db8::2] 5432|2001:db8::3 5432")]
    [InlineData("/run/a:5433,/run/b", "/run/a 5433|/run/b 5432")]
    public void Each_server_has_a_connection_string_of_its_own(string hosts, string expected)
    {
        var all = new NpgsqlConnectionStringBuilder { Host = hosts, Username = "mta", Database = "mail" };
        var each = DatabaseHosts.Split(all);
        string.Join('|', each.Select(s => $"{s.Host} {s.Port}")).ShouldBe(expected);
        each.ShouldAllBe(s => s.Username == "mta" && s.Database == "mail");
    }

    [Fact]
    public async Task When_no_server_takes_writes_it_is_said_of_each_why()
    {
        // One refuses connections, the other takes them and says nothing.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var (open, refusing) = (((IPEndPoint)silent.LocalEndpoint).Port, ((IPEndPoint)closed.LocalEndpoint).Port);
        closed.Stop();
        DatabaseUrl.TryParse($"postgresql://mta@/mta?host=127.0.0.1,127.0.0.1&port={refusing},{open}", out var url, out var problem).ShouldBeTrue(problem);
        await using var database = Database.Connect(url!);

        database.HasSeveralHosts.ShouldBeTrue();
        var failure = await Should.ThrowAsync<StorageException>(() => database.ChooseAsync(TestContext.Current.CancellationToken));
        failure.Failure.ShouldBe(StorageFailure.Retry);
        failure.Message.ShouldStartWith($"no database host takes writes: 127.0.0.1:{refusing} fails: Failed to connect");
        failure.Message.ShouldContain($"; 127.0.0.1:{open} ");
    }

    [Fact]
    public async Task A_server_of_two_that_takes_writes_is_used_though_the_other_one_is_gone()
    {
        await using var test = await Mta.Testing.TestDatabase.CreateAsync();
        var alone = new NpgsqlConnectionStringBuilder(test.ConnectionString);
        if (alone.Host!.StartsWith('/'))
        {
            alone.Host = $"/nonexistent:{alone.Port},{alone.Host}:{alone.Port}";
        }
        else
        {
            alone.Host = $"127.0.0.1:1,{alone.Host}:{alone.Port}";
        }

        alone.TargetSessionAttributes = "primary";
        DatabaseUrl.TryParse(alone.ConnectionString, out var url, out var problem).ShouldBeTrue(problem);
        await using var database = Database.Connect(url!);
        await database.ChooseAsync(TestContext.Current.CancellationToken);
        await using var pool = database.CreateDataSource(DatabaseRole.Login, "test", 1);
        await using var command = pool.CreateCommand("SELECT NOT pg_is_in_recovery()");
        (await command.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(true);
        pool.Moved.IsCancellationRequested.ShouldBeFalse();
    }
}
