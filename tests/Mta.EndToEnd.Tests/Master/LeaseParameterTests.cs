using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Master;

public sealed class LeaseParameterTests
{
    [Fact]
    public async Task Times_that_do_not_go_together_are_refused_at_start_by_check_and_at_a_reload()
    {
        var token = TestContext.Current.CancellationToken;
        const string words = "node_heartbeat_interval (10 s) may be at most a third of node_lease_time (15 s)";
        await using var mta = MtaInstance.Create("node_heartbeat_interval = 10s");
        var check = await mta.PostfixAsync("check", token);
        check.ExitCode.ShouldBe(1);
        check.Error.ShouldContain(words);
        var start = await mta.PostfixAsync("start", token);
        start.ExitCode.ShouldBe(1);
        start.Error.ShouldContain(words);

        (await mta.RunAsync("postconf", ["-e", "node_heartbeat_interval = 2s"], null, token)).Succeeded();
        (await mta.PostfixAsync("start", token)).Succeeded();
        (await mta.RunAsync("postconf", ["-e", "node_heartbeat_interval = 10s"], null, token)).Succeeded();
        var reload = await mta.PostfixAsync("reload", token);
        reload.ExitCode.ShouldBe(1);
        reload.Error.ShouldContain(words);
        (await mta.PostfixAsync("status", token)).ExitCode.ShouldBe(0);
    }
}
