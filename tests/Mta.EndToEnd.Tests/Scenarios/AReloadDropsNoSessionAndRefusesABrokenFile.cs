using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AReloadDropsNoSessionAndRefusesABrokenFile
{
    [Fact]
    public async Task A_reload_drops_no_session_and_refuses_a_broken_file()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token);
        var mainCf = Path.Combine(mta.ConfigurationDirectory, "main.cf");
        var before = await File.ReadAllTextAsync(mainCf, token);
        await using var session = await mta.ConnectAsync(token);
        await session.ExpectAsync("EHLO client.test", "250", token);
        await session.ExpectAsync("MAIL FROM:<sender@client.test>", "250 ", token);

        await File.WriteAllTextAsync(mainCf, before + "smtpd_banner = changed.test ESMTP\nmessage_size_limit = 500\n", token);
        (await mta.PostfixAsync("reload", token)).Succeeded();

        // The session goes on as it began; a new one has the new configuration.
        await session.ExpectAsync($"RCPT TO:<user1@{MtaInstance.VirtualDomain}>", "250 ", token);
        await session.ExpectAsync("DATA", "354 ", token);
        await session.ExpectAsync($"Subject: x\r\n\r\n{new string('x', 600)}\r\n.", "250 ", token);
        await mta.WaitForMailsAsync("user1", 1, token);
        (await GreetingAsync(mta, token)).ShouldBe("220 changed.test ESMTP");
        await using (var later = await mta.ConnectAsync(token))
        {
            (await later.ExpectAsync("EHLO client.test", "250", token)).ShouldContain("SIZE 500");
            await later.ExpectAsync("MAIL FROM:<sender@client.test> SIZE=600", "552 ", token);
        }

        (await session.ExpectAsync("EHLO client.test", "250", token)).ShouldNotContain("SIZE 500");

        await File.WriteAllTextAsync(mainCf, before + "message_size_limit = lots\n", token);
        var refused = await mta.PostfixAsync("reload", token);
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("message_size_limit");
        (await GreetingAsync(mta, token)).ShouldBe("220 changed.test ESMTP");
    }

    private static async Task<string> GreetingAsync(MtaInstance mta, CancellationToken cancellationToken)
    {
        await using var client = await mta.ConnectAsync(cancellationToken);
        return client.Greeting;
    }
}
