using Mta.Benchmarks.Scale;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;
using MailSink = Mta.Benchmarks.MailSink;

namespace Mta.EndToEnd.Tests.Scenarios;

/// <summary>The two minutes' form of <c>bench.sh --soak</c>: less load and wider limits, for a machine that does other things too.</summary>
public sealed class AReportThatStaysOpenDoesNotSlowDelivery
{
    [Fact]
    public async Task A_report_that_stays_open_does_not_slow_delivery()
    {
        var token = TestContext.Current.CancellationToken;
        var port = Ports.Free();
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{port}");
        await using var sink = new MailSink(port);
        await using var database = new QueueDatabase(mta.DatabaseConnection);
        var verdicts = new Verdicts(TextWriter.Null);

        await new Soak(
            new SoakPlan
            {
                Measuring = TimeSpan.FromSeconds(8),
                Held = TimeSpan.FromSeconds(56),
                Compared = TimeSpan.FromSeconds(14),
                // Autovacuum looks every 15 s, and has to share two processors with the other tests.
                Reuse = TimeSpan.FromSeconds(75),
                Share = 0.5,
                LeastRate = 85,
                MostGrowth = 130,
                MostGrowthAfter = 60,
            },
            mta.SmtpPort, sink, database, verdicts).RunAsync(token);

        verdicts.Missed.ShouldBeEmpty();
    }
}
