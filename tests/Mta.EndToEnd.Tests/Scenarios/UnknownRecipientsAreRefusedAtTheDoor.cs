using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class UnknownRecipientsAreRefusedAtTheDoor
{
    [Fact]
    public async Task Unknown_recipients_are_refused_at_the_door()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token, "mynetworks = 192.0.2.0/24\nrelay_domains =");
        await using var client = await mta.ConnectAsync(token);
        await client.ExpectAsync("EHLO client.test", "250", token);
        await client.ExpectAsync("MAIL FROM:<sender@client.test>", "250 ", token);

        (await client.SayAsync($"RCPT TO:<nobody@{MtaInstance.VirtualDomain}>", token))
            .ShouldBe($"550 5.1.1 <nobody@{MtaInstance.VirtualDomain}>: Recipient address rejected: User unknown in virtual mailbox table");
        (await client.SayAsync("RCPT TO:<nosuchuser@mta.test>", token))
            .ShouldBe("550 5.1.1 <nosuchuser@mta.test>: Recipient address rejected: User unknown in local recipient table");
        (await client.SayAsync("RCPT TO:<a@elsewhere.test>", token)).ShouldBe("454 4.7.1 <a@elsewhere.test>: Relay access denied");
        (await client.SayAsync($"RCPT TO:<user1@{MtaInstance.VirtualDomain}>", token)).ShouldBe("250 2.1.5 Ok");
        (await client.SayAsync("QUIT", token)).ShouldBe("221 2.0.0 Bye");
    }
}
