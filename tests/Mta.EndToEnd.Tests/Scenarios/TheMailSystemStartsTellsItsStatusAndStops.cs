using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class TheMailSystemStartsTellsItsStatusAndStops
{
    [Fact]
    public async Task The_mail_system_starts_tells_its_status_and_stops()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = MtaInstance.Create();

        (await mta.PostfixAsync("status", token)).ExitCode.ShouldBe(1);
        (await mta.PostfixAsync("start", token)).Succeeded();
        (await mta.PostfixAsync("status", token)).Error.ShouldContain("the Postfix mail system is running: PID: ");
        (await mta.PostfixAsync("start", token)).Error.ShouldContain("the Postfix mail system is already running");
        (await mta.PostfixAsync("reload", token)).Succeeded();
        (await mta.PostfixAsync("stop", token)).Succeeded();
        (await mta.PostfixAsync("status", token)).Error.ShouldContain("the Postfix mail system is not running");
    }

    [Fact]
    public async Task After_kill_9_the_next_start_finds_the_database_running()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token);

        mta.Kill();
        (await mta.PostfixAsync("status", token)).ExitCode.ShouldBe(1);
        (await mta.PostfixAsync("start", token)).Succeeded();

        await mta.WaitForLogAsync("embedded PostgreSQL was running in ", token);
    }
}
