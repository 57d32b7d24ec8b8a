using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class PflogsummCountsWhatHappened
{
    [Fact]
    public async Task Pflogsumm_counts_what_was_received_delivered_deferred_bounced_and_rejected()
    {
        var token = TestContext.Current.CancellationToken;
        await using var traffic = await MixedTraffic.RunAsync(token);

        var summary = await LogSummary.OfAsync(traffic.Mta.LogFile, token);

        summary.ShouldBe(new LogSummary(
            MixedTraffic.Received, MixedTraffic.Delivered, MixedTraffic.Deferred, MixedTraffic.Deferrals, MixedTraffic.Bounced, MixedTraffic.Rejected));
    }
}
