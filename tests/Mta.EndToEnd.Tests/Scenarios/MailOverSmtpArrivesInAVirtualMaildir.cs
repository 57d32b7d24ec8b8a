using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class MailOverSmtpArrivesInAVirtualMaildir
{
    [Fact]
    public async Task Mail_over_smtp_arrives_in_a_virtual_maildir()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token);
        await using var client = await mta.ConnectAsync(token);

        var message = TestMail.Make("hello", "From here\n.dot\n");
        var reply = await client.SendMailAsync("sender@client.test", [$"user1@{MtaInstance.VirtualDomain}"], message, token);

        reply.ShouldStartWith("250 2.0.0 Ok: queued as ");
        var queueId = reply["250 2.0.0 Ok: queued as ".Length..];
        var file = (await mta.WaitForMailsAsync("user1", 1, token)).ShouldHaveSingleItem();
        var content = await File.ReadAllTextAsync(file, token);
        content.ShouldStartWith(
            $"Return-Path: <sender@client.test>\nX-Original-To: user1@{MtaInstance.VirtualDomain}\nDelivered-To: user1@{MtaInstance.VirtualDomain}\nReceived: from client.test ");
        content.ShouldEndWith("+0000 (UTC)\n" + message);
        await mta.WaitForLogAsync($"{queueId}: to=<user1@{MtaInstance.VirtualDomain}>, relay=virtual, ", token);
        await mta.WaitForLogAsync($"{queueId}: removed", token);
        await mta.WaitForEmptyQueueAsync(token);
    }
}
