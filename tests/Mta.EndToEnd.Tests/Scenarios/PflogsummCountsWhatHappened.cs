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

    [Fact]
    public async Task Reports_from_the_history_agree_with_pflogsumm_over_the_log_of_the_same_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var traffic = await MixedTraffic.RunAsync(token);
        var summary = await LogSummary.OfAsync(traffic.Mta.LogFile, token);
        var expected = $"{summary.Received} {summary.Delivered} {summary.Deferred} {summary.Deferrals} {summary.Bounced} {summary.Rejected}";

        // Rejected commands are written once a second.
        await Until.TrueAsync(
            async () => (await traffic.Mta.ReportAsync("totals", token)).Single().StartsWith(expected + " ", StringComparison.Ordinal),
            $"totals are {expected}",
            token);

        (await traffic.Mta.ReportAsync("rejects_by_reason", token)).Length.ShouldBe(3);
        (await traffic.Mta.ReportAsync("top_talkers", token))[0].ShouldStartWith("127.0.0.1 localhost 10 ");
        (await traffic.Mta.ReportAsync("deferrals_by_reason", token)).Length.ShouldBe(1);
        (await traffic.Mta.ReportAsync("qshape", token))[0].ShouldBe("TOTAL 3 3 0 0 0 0 0 0 0 0 0");
    }
}
