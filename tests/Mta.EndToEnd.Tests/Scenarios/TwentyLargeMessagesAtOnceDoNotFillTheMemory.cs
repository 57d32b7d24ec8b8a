using System.Text;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class TwentyLargeMessagesAtOnceDoNotFillTheMemory
{
    private const int Messages = 20;
    private const int Megabytes = 20;
    private static readonly byte[] Block = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('x', 62) + "\r\n", 16384)));

    [Fact]
    public async Task Twenty_large_messages_at_once_do_not_fill_the_memory()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token, "message_size_limit = 100000000\nvirtual_mailbox_limit = 0\nmailbox_size_limit = 0");
        var before = mta.PeakMemory();

        await Task.WhenAll(Enumerable.Range(0, Messages).Select(_ => SendAsync(mta, token)));

        await mta.WaitForMailsAsync("user1", Messages, token);
        mta.Mails("user1").ShouldAllBe(f => new FileInfo(f).Length > Megabytes * 1_000_000);
        await mta.WaitForEmptyQueueAsync(token);
        // They are 400 MB together.
        (mta.PeakMemory() - before).ShouldBeLessThan(220L * 1024 * 1024);
    }

    private static async Task SendAsync(MtaInstance mta, CancellationToken cancellationToken)
    {
        await using var client = await mta.ConnectAsync(cancellationToken);
        await client.ExpectAsync("EHLO client.test", "250", cancellationToken);
        await client.ExpectAsync("MAIL FROM:<sender@client.test>", "250 ", cancellationToken);
        await client.ExpectAsync($"RCPT TO:<user1@{MtaInstance.VirtualDomain}>", "250 ", cancellationToken);
        await client.ExpectAsync("DATA", "354 ", cancellationToken);
        await client.SendAsync("Subject: large\r\n\r\n"u8.ToArray(), cancellationToken);
        for (var i = 0; i < Megabytes; i++)
        {
            await client.SendAsync(Block, cancellationToken);
        }

        await client.ExpectAsync(".", "250 ", cancellationToken);
    }
}
