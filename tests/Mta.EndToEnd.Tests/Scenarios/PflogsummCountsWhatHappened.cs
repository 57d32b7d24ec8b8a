using System.Globalization;
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

        var rejects = await traffic.Mta.ReportAsync("rejects_by_reason", token);
        Rejects(rejects).ShouldBe(await LogSummary.RejectsAsync(traffic.Mta.LogFile, token));
        rejects.Length.ShouldBe(3 + 1 + 4);
        rejects.Single(IsWarning).ShouldStartWith("END-OF-MESSAGE 552 5.3.4 Error: message file too big 1 ");
        (await traffic.Mta.ReportAsync("per_day", token)).Single().ShouldEndWith(
            $" {summary.Received} {summary.Delivered} {summary.Deferrals} {summary.Bounced} {summary.Rejected}");
        (await traffic.Mta.ReportAsync("top_talkers", token))[0].ShouldStartWith("127.0.0.1 localhost 11 ");
        (await traffic.Mta.ReportAsync("deferrals_by_reason", token)).Single().ShouldEndWith(" 1");
        (await traffic.Mta.ReportAsync("bounce_rate", token)).ShouldContain("busy.test 1 1 100.0");
        (await traffic.Mta.ReportAsync("qshape", token))[0].ShouldBe("TOTAL 3 3 0 0 0 0 0 0 0 0 0");
    }

    // Columns: command, code, code, reason, commands, clients, first, last, warning; a time has a blank in it.
    private static SortedDictionary<string, int> Rejects(string[] report)
    {
        var rejects = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var row in report.Where(r => !IsWarning(r)).Select(r => r.Split(' ')))
        {
            var kind = row[0] is "END-OF-MESSAGE" or "PICKUP" ? "cleanup" : row[0];
            rejects[kind] = rejects.GetValueOrDefault(kind) + int.Parse(row[^7], CultureInfo.InvariantCulture);
        }

        return rejects;
    }

    private static bool IsWarning(string row) => row.EndsWith(" t", StringComparison.Ordinal);
}
