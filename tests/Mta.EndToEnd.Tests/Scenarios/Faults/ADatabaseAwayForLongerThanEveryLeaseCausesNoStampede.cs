using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class ADatabaseAwayForLongerThanEveryLeaseCausesNoStampede
{
    private const string Epochs = "SELECT string_agg(name || '=' || epoch, ' ' ORDER BY name) FROM mta.node WHERE state = 'live'";

    [Fact]
    public async Task A_database_away_for_longer_than_every_lease_causes_no_stampede_and_no_duplicates()
    {
        var token = TestContext.Current.CancellationToken;
        await using var server = DatabaseServer.Start();
        await using var cluster = await MtaCluster.StartAsync([server.Url, server.Url, server.Url], () => server, token, FaultTraffic.MainCf);
        await using var traffic = FaultTraffic.Start(cluster);
        await traffic.FlowsAsync(50, token);
        var epochs = await cluster.ScalarAsync<string>(Epochs, token);

        var stopped = DateTime.UtcNow;
        server.Stop("immediate");
        // Lease and grace are over for all of them, twice.
        await Until.TrueAsync(() => DateTime.UtcNow - stopped > TimeSpan.FromSeconds(8), "the leases have ended", token);
        await Task.WhenAll(traffic.RefusesAsync(0, token), traffic.RefusesAsync(1, token), traffic.RefusesAsync(2, token));
        server.StartAgain();
        await traffic.FlowsAsync(50, token);

        await traffic.CheckAsync(token);
        // Nobody ended an epoch, so every node went on with what it had in memory.
        (await cluster.ScalarAsync<string>(Epochs, token)).ShouldBe(epochs);
        (await cluster.ScalarAsync<decimal>("SELECT sum(possible_duplicates) FROM mta.node", token)).ShouldBe(0);
        var subjects = cluster.Sink.Messages().Select(m => m.Subject).ToList();
        subjects.Count.ShouldBe(subjects.Distinct().Count());
    }
}
