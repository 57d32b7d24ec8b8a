using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class WhilePostgresIsAwayClientsHearTryAgain
{
    [Fact]
    public async Task While_postgres_is_away_clients_hear_try_again_and_no_accepted_message_is_lost()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = await SmtpSink.StartAsync(token);
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{sink.Port}\nsmtpd_error_sleep_time = 0\nsmtpd_hard_error_limit = 1000\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s");
        await using var load = Load.Start(mta, "a@elsewhere.test");
        await Until.TrueAsync(() => load.Accepted.Count >= 100, "the load", token);

        await mta.StopPostgresImmediatelyAsync(token);
        await Until.TrueAsync(() => load.TemporaryRefusals > 0, "a 4xx while PostgreSQL is away", token);
        var before = load.Accepted.Count;
        await Until.TrueAsync(() => load.Accepted.Count >= before + 100, "mail is accepted again without a restart", token);
        await load.StopAsync();

        await mta.WaitForEmptyQueueAsync(token);
        load.PermanentRefusals.ShouldBeEmpty();
        load.Accepted.Except(sink.Messages().Select(m => m.Subject)).ShouldBeEmpty();
    }
}
