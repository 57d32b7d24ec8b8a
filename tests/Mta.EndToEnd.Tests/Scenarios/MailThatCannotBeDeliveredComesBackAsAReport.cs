using MimeKit;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class MailThatCannotBeDeliveredComesBackAsAReport
{
    [Fact]
    public async Task Mail_that_cannot_be_delivered_comes_back_as_a_report()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = await SmtpSink.StartAsync(token, "-f", "RCPT");
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{sink.Port}");
        await using var client = await mta.ConnectAsync(token);
        var sender = $"user1@{MtaInstance.VirtualDomain}";

        (await client.SendMailAsync(sender, ["a@elsewhere.test"], TestMail.Make("lost", "x\n"), token)).ShouldStartWith("250 ");

        var file = (await mta.WaitForMailsAsync("user1", 1, token)).ShouldHaveSingleItem();
        var report = await MimeMessage.LoadAsync(file, token);
        report.Subject.ShouldBe("Undelivered Mail Returned to Sender");
        report.Headers["Return-Path"].ShouldBe("<>");
        report.To.ToString().ShouldBe(sender);
        var parts = report.Body.ShouldBeOfType<MultipartReport>();
        parts.ReportType.ShouldBe("delivery-status");
        var status = parts[1].ShouldBeOfType<MessageDeliveryStatus>();
        status.StatusGroups[1]["Final-Recipient"].ShouldBe("rfc822; a@elsewhere.test");
        status.StatusGroups[1]["Action"].ShouldBe("failed");
        status.StatusGroups[1]["Status"].ShouldStartWith("5.");
        parts[2].ShouldBeOfType<MessagePart>().Message!.Subject.ShouldBe("lost");
        await mta.WaitForLogAsync("sender non-delivery notification: ", token);
        await mta.WaitForEmptyQueueAsync(token);
    }
}
