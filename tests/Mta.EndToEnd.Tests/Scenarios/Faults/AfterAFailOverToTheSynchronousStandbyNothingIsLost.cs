using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class AfterAFailOverToTheSynchronousStandbyNothingIsLost
{
    // A third of it is the time in which a heartbeat has to get past a host that is dead.
    private const string MainCf = FaultTraffic.MainCf + "\nnode_lease_time = 15s\n";

    [Fact]
    public async Task After_a_primary_was_killed_and_its_standby_promoted_nothing_is_lost()
    {
        var token = TestContext.Current.CancellationToken;
        await using var pair = await Pair.StartAsync(token);
        var url = string.Create(CultureInfo.InvariantCulture, $"postgresql://postgres@/postgres?host=127.0.0.1,127.0.0.1&port={pair.First.Port},{pair.Second.Port}&target_session_attrs=primary");
        await using var cluster = await MtaCluster.StartAsync([url, url, url], () => pair.Primary, token, MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        await traffic.FlowsAsync(50, token);

        await pair.First.SignalAsync("KILL", token);
        pair.PromoteSecond();
        await traffic.FlowsAsync(50, token);
        await traffic.CheckAsync(token);
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
