using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class OneMessageForAThousandRecipientsReachesAll
{
    [Fact]
    public async Task One_message_for_a_thousand_recipients_reaches_all()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = await SmtpSink.StartAsync(token);
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{sink.Port}");
        await using var client = await mta.ConnectAsync(token);
        var recipients = Enumerable.Range(0, 1000).Select(i => $"r{i}@elsewhere.test").ToArray();

        (await client.SendMailAsync("sender@client.test", recipients, TestMail.Make("many", "x\n"), token)).ShouldStartWith("250 2.0.0 Ok: queued as ");

        await mta.WaitForEmptyQueueAsync(token);
        var messages = sink.Messages();
        messages.SelectMany(m => m.Recipients).Order().ShouldBe(recipients.Order());
        // default_destination_recipient_limit
        messages.ShouldAllBe(m => m.Recipients.Length <= 50);
    }
}
