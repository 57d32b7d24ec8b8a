using System.Security.Cryptography;
using System.Text;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AMessageOfFiftyMegabytesArrivesWhole
{
    private const int Lines = 700_000;
    private static readonly byte[] Line = Encoding.ASCII.GetBytes(new string('x', 72) + "\r\n");

    [Fact]
    public async Task A_message_of_fifty_megabytes_arrives_whole()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token, "message_size_limit = 100000000\nvirtual_mailbox_limit = 0\nmailbox_size_limit = 0");
        await using var client = await mta.ConnectAsync(token);
        await client.ExpectAsync("EHLO client.test", "250", token);
        await client.ExpectAsync("MAIL FROM:<sender@client.test> SIZE=51800000", "250 ", token);
        await client.ExpectAsync($"RCPT TO:<user1@{MtaInstance.VirtualDomain}>", "250 ", token);
        await client.ExpectAsync("DATA", "354 ", token);
        await client.SendAsync("Subject: large\r\n\r\n"u8.ToArray(), token);
        var block = Enumerable.Repeat(Line, 1000).SelectMany(l => l).ToArray();
        for (var i = 0; i < Lines / 1000; i++)
        {
            await client.SendAsync(block, token);
        }

        (await client.SayAsync(".", token)).ShouldStartWith("250 2.0.0 Ok: queued as ");

        var file = (await mta.WaitForMailsAsync("user1", 1, token)).ShouldHaveSingleItem();
        var body = await BodyAsync(file, token);
        body.Length.ShouldBe(Lines * (Line.Length - 1));
        var expected = Enumerable.Repeat(Line.Where(b => b != '\r'), Lines).SelectMany(l => l).ToArray();
        SHA256.HashData(body).ShouldBe(SHA256.HashData(expected));
    }

    private static async Task<byte[]> BodyAsync(string file, CancellationToken cancellationToken)
    {
        var bytes = await File.ReadAllBytesAsync(file, cancellationToken);
        return bytes[(bytes.AsSpan().IndexOf("\n\n"u8) + 2)..];
    }
}
