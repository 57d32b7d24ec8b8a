using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class MailForElsewhereGoesThroughTheRelayhost
{
    [Fact]
    public async Task Mail_for_elsewhere_goes_through_the_relayhost()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = await SmtpSink.StartAsync(token);
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{sink.Port}");
        await using var client = await mta.ConnectAsync(token);

        var sent = TestMail.Make("hello", ".dot\n..two\n");
        var reply = await client.SendMailAsync("sender@client.test", ["a@elsewhere.test", "b@elsewhere.test"], sent, token);

        reply.ShouldStartWith("250 2.0.0 Ok: queued as ");
        await mta.WaitForEmptyQueueAsync(token);
        var message = sink.Messages().ShouldHaveSingleItem();
        message.MailFrom.ShouldBe("sender@client.test");
        message.Recipients.ShouldBe(["a@elsewhere.test", "b@elsewhere.test"], ignoreOrder: true);
        message.Content.ShouldStartWith("Received: from client.test ");
        message.Content.ShouldContain(sent);
        await mta.WaitForLogAsync($"to=<a@elsewhere.test>, relay=127.0.0.1[127.0.0.1]:{sink.Port}, ", token);
    }
}
