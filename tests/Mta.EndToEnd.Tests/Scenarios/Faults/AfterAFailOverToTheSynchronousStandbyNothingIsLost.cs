using System.Diagnostics;
using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class AfterAFailOverToTheSynchronousStandbyNothingIsLost
{
    // A third of it is the time in which a heartbeat has to get past a host that is dead.
    private const string MainCf = FaultTraffic.MainCf + "\nnode_lease_time = 15s\n";

    // What README.md says, and time for a machine that is busy with other tests.
    private static readonly TimeSpan GoesOnWithin = TimeSpan.FromSeconds(5 + 5);

    // All but those that ask whether it takes writes.
    private const string Sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mta %' AND application_name <> 'mta primary'";
    private const string Newest = "SELECT greatest((SELECT max(id) FROM mta_store.active), (SELECT max(message_id) FROM mta.delivery_log))";

    /// <summary>How the primary goes.</summary>
    public enum End
    {
        /// <summary>Its machine refuses connections.</summary>
        Killed,

        /// <summary>It answers nobody, but connections to it are made and stay.</summary>
        Frozen,
    }

    [Theory]
    [InlineData(End.Killed)]
    [InlineData(End.Frozen)]
    public async Task After_a_primary_is_gone_and_its_standby_was_promoted_nothing_is_lost(End end)
    {
        var token = TestContext.Current.CancellationToken;
        await using var pair = await Pair.StartAsync(token);
        await using var cluster = await MtaCluster.StartAsync([pair.Url, pair.Url, pair.Url], () => pair.Primary, token, MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        await traffic.FlowsAsync(50, token);

        await pair.First.SignalAsync(end == End.Killed ? "KILL" : "STOP", token);
        pair.PromoteSecond();
        var promoted = Stopwatch.GetTimestamp();
        await traffic.FlowsAsync(1, token);
        var accepts = Stopwatch.GetElapsedTime(promoted);
        var newest = await pair.Second.ScalarAsync<long>(Newest, token);
        await Until.TrueAsync(() => pair.Second.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM mta.delivery_log WHERE message_id > {newest})", token), "deliveries go on", token);
        var delivers = Stopwatch.GetElapsedTime(promoted);
        TestContext.Current.TestOutputHelper?.WriteLine($"mail is accepted after {accepts}, delivered after {delivers}");
        accepts.ShouldBeLessThan(GoesOnWithin);
        delivers.ShouldBeLessThan(GoesOnWithin);

        await traffic.FlowsAsync(50, token);
        await traffic.CheckAsync(token);
        cluster.Nodes.ShouldAllBe(n => n.Log().Split("daemon started").Length == 2, "no node was restarted");
    }

    [Fact]
    public async Task An_old_primary_that_comes_back_gets_no_mail_though_it_takes_writes()
    {
        var token = TestContext.Current.CancellationToken;
        await using var pair = await Pair.StartAsync(token);
        await using var cluster = await MtaCluster.StartAsync([pair.Url, pair.Url], () => pair.Primary, token, MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        await traffic.FlowsAsync(50, token);
        await pair.First.SignalAsync("STOP", token);
        pair.PromoteSecond();
        await traffic.FlowsAsync(50, token);

        // It would commit alone.
        await pair.First.SignalAsync("CONT", token);
        await pair.First.ScalarAsync<object>("ALTER SYSTEM RESET synchronous_standby_names", token);
        await pair.First.ScalarAsync<object>("SELECT pg_reload_conf()", token);
        await cluster.Nodes[0].WaitForLogAsync("takes writes on timeline 1, but timeline 2 has been seen: it is not used", token);
        await Until.TrueAsync(async () => await pair.First.ScalarAsync<long>(Sessions, token) == 0, "the last session on the old primary ends", token);
        var newest = await pair.First.ScalarAsync<long>(Newest, token);

        // Neither do a node that begins anew and a command, to whom both say that they are primaries.
        (await cluster.Nodes[1].PostfixAsync("stop", token)).Succeeded();
        (await cluster.Nodes[1].PostfixAsync("start", token)).Succeeded();
        (await cluster.Nodes[1].RunAsync("sendmail", ["-f", "sender@client.test", "a@elsewhere.test"], TestMail.Make("by-command", "x\n"), token)).Succeeded();
        await traffic.FlowsAsync(50, token);
        (await pair.First.ScalarAsync<long>(Sessions, token)).ShouldBe(0);
        await traffic.CheckAsync(token);
        cluster.Sink.Messages().ShouldContain(m => m.Subject == "by-command");
        (await pair.First.ScalarAsync<long>(Newest, token)).ShouldBe(newest);
    }

    /// <summary>A primary whose commits wait for its standby.</summary>
    private sealed class Pair : IAsyncDisposable
    {
        private Pair(DatabaseServer first)
        {
            First = Primary = first;
            Second = first.MakeStandby("second");
        }

        public DatabaseServer First { get; }

        public DatabaseServer Second { get; }

        public string Url => string.Create(
            CultureInfo.InvariantCulture,
            $"postgresql://postgres@/postgres?host=127.0.0.1,127.0.0.1&port={First.Port},{Second.Port}&target_session_attrs=primary");

        /// <summary>The one that is to be used now.</summary>
        public DatabaseServer Primary { get; private set; }

        public static async Task<Pair> StartAsync(CancellationToken cancellationToken)
        {
            var pair = new Pair(DatabaseServer.Start());
            await pair.First.ScalarAsync<object>("ALTER SYSTEM SET synchronous_standby_names = 'second'", cancellationToken);
            await pair.First.ScalarAsync<object>("SELECT pg_reload_conf()", cancellationToken);
            await Until.TrueAsync(
                () => pair.First.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')", cancellationToken),
                "the standby is synchronous",
                cancellationToken);
            return pair;
        }

        public void PromoteSecond()
        {
            Second.Promote();
            Primary = Second;
        }

        public async ValueTask DisposeAsync()
        {
            await Second.DisposeAsync();
            await First.DisposeAsync();
        }
    }
}
