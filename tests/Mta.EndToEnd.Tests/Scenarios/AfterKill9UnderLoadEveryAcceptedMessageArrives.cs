using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AfterKill9UnderLoadEveryAcceptedMessageArrives
{
    private const int Sessions = 10;

    // Enough accepted that some are in every stage when the kill comes.
    private const int AcceptedBeforeKill = 200;

    [Fact]
    public async Task After_kill_9_under_load_every_accepted_message_arrives()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = await SmtpSink.StartAsync(token);
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{sink.Port}");
        await using var load = Load.Start(mta, "a@elsewhere.test", Sessions);
        await Until.TrueAsync(() => load.Accepted.Count >= AcceptedBeforeKill, "the load", token);

        mta.Kill();
        var inFlight = mta.InFlight();
        await load.StopAsync();
        (await mta.PostfixAsync("start", token)).Succeeded();

        await mta.WaitForEmptyQueueAsync(token);
        var arrived = sink.Messages().Select(m => m.Subject).ToList();
        load.Accepted.Except(arrived).ShouldBeEmpty();
        (arrived.Count - arrived.Distinct().Count()).ShouldBeLessThanOrEqualTo(inFlight);
    }
}
