using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class PflogsummCountsRightOverOurLog
{
    private const string User = "user1@" + MtaInstance.VirtualDomain;

    [Fact]
    public async Task Pflogsumm_counts_right_over_our_log()
    {
        var token = TestContext.Current.CancellationToken;
        await using var refuses = await SmtpSink.StartAsync(token, "-f", "RCPT");
        await using var defers = await SmtpSink.StartAsync(token, "-r", "RCPT");
        await using var mta = await MtaInstance.StartAsync(
            token,
            $"transport_maps = inline:{{ {{ bounced.test = smtp:[127.0.0.1]:{refuses.Port} }}, {{ deferred.test = smtp:[127.0.0.1]:{defers.Port} }} }}");
        await using var client = await mta.ConnectAsync(token);
        foreach (var recipient in (string[])[User, User, User, "a@bounced.test", "a@deferred.test"])
        {
            (await client.SendMailAsync(User, [recipient], TestMail.Make("counted", "x\n"), token)).ShouldStartWith("250 ");
        }

        await client.ExpectAsync($"MAIL FROM:<{User}>", "250 ", token);
        await client.ExpectAsync($"RCPT TO:<nobody@{MtaInstance.VirtualDomain}>", "550 ", token);
        await client.ExpectAsync($"RCPT TO:<nobody2@{MtaInstance.VirtualDomain}>", "550 ", token);
        await client.ExpectAsync("QUIT", "221 ", token);
        // The three and the report of the one that bounced; what is deferred stays.
        await mta.WaitForMailsAsync("user1", 4, token);
        await mta.WaitForLogAsync("status=deferred (host 127.0.0.1[127.0.0.1] said: 4", token);
        await Until.TrueAsync(() => mta.Log().Split(": removed").Length - 1 == 5, "all but one are gone", token);
        await mta.WaitForLogAsync("disconnect from ", token);

        var summary = await CommandResult.RunAsync("pflogsumm", [mta.LogFile], null, null, token);

        var counts = summary.Succeeded().Split('\n').Select(l => l.Trim()).ToArray();
        // What came from outside: pflogsumm does not count notifications as received, but as delivered.
        counts.ShouldContain("5   received");
        counts.ShouldContain("4   delivered");
        counts.ShouldContain(l => l.StartsWith("1   deferred", StringComparison.Ordinal));
        counts.ShouldContain("1   bounced");
        counts.ShouldContain(l => l.StartsWith("2   rejected", StringComparison.Ordinal));
    }
}
