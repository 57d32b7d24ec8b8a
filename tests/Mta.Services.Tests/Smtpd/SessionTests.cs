using System.Text;
using CsCheck;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtpd;

/// <summary>What a session hands to cleanup, and what it does with bytes that are no SMTP.</summary>
public sealed class SessionTests
{
    private static readonly string[] Words =
    [
        "EHLO x\r\n", "HELO x\r\n", "MAIL FROM:<a@b.test>\r\n", "RCPT TO:<alice@example.test>\r\n", "DATA\r\n", ".\r\n", "BDAT 10\r\n",
        "BDAT 5 LAST\r\n", "BDAT 99999999999\r\n", "RSET\r\n", "NOOP\r\n", "VRFY <\"\r\n", "HELP\r\n", "ETRN x\r\n", "AUTH\r\n",
        "STARTTLS\r\n", "MAIL FROM:", "RCPT TO:<", "ORCPT=rfc822;", "NOTIFY=", "<", ">", "\"", "\\", "(", ")",
        "\r", "\n", " ", ":", "@", "[", "]", "+", "=", "\0",
    ];

    private static byte[][] UpToRcpt => [Bytes("HELO c\r\n"), Bytes("MAIL FROM:<>\r\n"), Bytes("RCPT TO:<alice@example.test>\r\n")];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Envelope_and_content_reach_cleanup()
    {
        using var server = new SmtpdFixture();
        await server.RunAsync(
            [
                Bytes("EHLO client.test\r\n"),
                Bytes("MAIL FROM:<\"b ob\"@sender.test> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=abc+20d\r\n"
                    + "RCPT TO:<alice@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;al+2Bice@example.test\r\nDATA\r\n"),
                Bytes("Subject: x\r\n\r\n..dot\r\n.dot\r\nlast\r\n.\r\n"),
                Bytes("QUIT\r\n"),
            ],
            cancellationToken: Token);
        var message = server.Cleanup.Queued.ShouldHaveSingleItem();
        message.Content.ShouldBe("Subject: x\n\n.dot\ndot\nlast\n");
        message.Recipients.ShouldBe([("alice@example.test", DsnNotify.Success | DsnNotify.Failure, "rfc822;al+2Bice@example.test")]);
        message.Request.Sender.ShouldBe("b ob@sender.test");
        message.Request.Flags.ShouldBe(EnvelopeFlags.EightBit | EnvelopeFlags.SmtpUtf8);
        message.Request.Return.ShouldBe(DsnReturn.Headers);
        message.Request.EnvelopeId.ShouldBe("abc+20d");
        message.Request.ClientName.ShouldBe("client.example.test");
        message.Request.ClientAddress.ShouldBe("203.0.113.5");
        message.Request.Protocol.ShouldBe("ESMTP");
        message.Request.Helo.ShouldBe("client.test");
        message.Request.LocalContext.ShouldBeFalse();
        message.Headers.ShouldHaveSingleItem().ShouldMatch(
            """^Received: from client\.test \(client\.example\.test \[203\.0\.113\.5\]\)\n"""
            + """\tby mx\.example\.test \(Postfix\) with UTF8SMTP id 4QUEUEID1\n"""
            + """\tfor <alice@example\.test>; \w{3}, [ \d]\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}( \(\w+\))?$""");
    }

    [Fact]
    public async Task Several_recipients_are_not_named_in_the_received_header()
    {
        using var server = new SmtpdFixture();
        await server.RunAsync(
            [.. UpToRcpt, Bytes("RCPT TO:<bob@mailbox.test>\r\n"), Bytes("DATA\r\n"), Bytes(".\r\n")],
            client: "2001:db8::5",
            cancellationToken: Token);
        server.Cleanup.Queued.ShouldHaveSingleItem().Headers.ShouldHaveSingleItem().ShouldMatch(
            """^Received: from c \(client\.example\.test \[IPv6:2001:db8::5\]\)\n"""
            + """\tby mx\.example\.test \(Postfix\) with SMTP id 4QUEUEID1;\n\t\w{3}, """);
    }

    [Theory]
    [InlineData("one\n.\ntwo\n.\r\nthree\r\n.\nfour\r\n", "one\n.\ntwo\n.\nthree\n.\nfour\n")]
    [InlineData("a\r\n.\r\r\nb\rc\r\n", "a\n\r\nb\rc\n")]
    [InlineData("", "")]
    [InlineData("From me today\r\nx\r\n", "X-Mailbox-Line: From me today\nx\n")]
    [InlineData(">>From me today\r\nx\r\n", "X-Mailbox-Line: >>From me today\nx\n")]
    [InlineData("From: me\r\nx\r\n", "From: me\nx\n")]
    [InlineData(" no header\r\n", "\n no header\n")]
    public async Task Content_is_converted_the_same_however_it_is_cut(string sent, string expected)
    {
        var data = Bytes(sent + ".\r\n");
        for (var size = 1; size <= data.Length; size++)
        {
            using var server = new SmtpdFixture();
            await server.RunAsync([.. UpToRcpt, Bytes("DATA\r\n"), .. data.Chunk(size)], cancellationToken: Token);
            server.Cleanup.Queued.ShouldHaveSingleItem().Content.ShouldBe(expected, $"pieces of {size}");
        }
    }

    [Theory]
    [InlineData("Subject: one\r\n|.\r\n.\r|\nend", "Subject: one\n.\n.\nend\n")]
    [InlineData("a\r|b\r|\r\n|\r", "a\rb\r\n\r\n")]
    [InlineData("a\n\nb|\n", "a\n\nb\n")]
    public async Task Chunks_are_put_together(string chunks, string expected)
    {
        var parts = chunks.Split('|');
        var session = new StringBuilder();
        for (var i = 0; i < parts.Length; i++)
        {
            session.Append("BDAT ").Append(parts[i].Length).Append(i == parts.Length - 1 ? " LAST" : "").Append("\r\n").Append(parts[i]);
        }

        var data = Bytes("MAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\n" + session);
        for (var size = 1; size <= data.Length; size++)
        {
            using var server = new SmtpdFixture();
            await server.RunAsync([Bytes("EHLO c\r\n"), .. data.Chunk(size)], cancellationToken: Token);
            server.Cleanup.Queued.ShouldHaveSingleItem().Content.ShouldBe(expected, $"pieces of {size}");
        }
    }

    [Fact]
    public async Task A_message_larger_than_the_buffer_arrives_whole()
    {
        var lines = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i} of a large message\r\n"));
        using var server = new SmtpdFixture();
        await server.RunAsync(
            [.. UpToRcpt, Bytes("DATA\r\n"), Bytes(lines + ".\r\n")],
            cancellationToken: Token);
        server.Cleanup.Queued.ShouldHaveSingleItem().Content.ShouldBe(lines.Replace("\r\n", "\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Many_pipelined_commands_are_all_answered_before_more_is_awaited()
    {
        using var server = new SmtpdFixture("smtpd_junk_command_limit = 100000");
        var many = string.Concat(Enumerable.Repeat("RSET\r\n", 5000));
        var client = await server.RunAsync([Bytes("EHLO c\r\n"), Bytes(many)], cancellationToken: Token);
        client.Sent.Count.ShouldBe(3);
        client.Sent[2].ShouldBe(string.Concat(Enumerable.Repeat("250 2.0.0 Ok\r\n", 5000)));
    }

    [Fact]
    public async Task A_long_line_limit_has_room_for_such_lines()
    {
        using var server = new SmtpdFixture("line_length_limit = 100000");
        var line = Bytes("NOOP " + new string('x', 90_000));
        var client = await server.RunAsync([line, Bytes("\r\n"), Bytes("NOOP\r\n")], cancellationToken: Token);
        client.AllSent.ShouldEndWith("250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n");
    }

    [Theory]
    [InlineData(CleanupOutcome.WriteError, "451 4.3.0 Error: queue file write error")]
    [InlineData(CleanupOutcome.NoSpace, "452 4.3.1 Insufficient system storage")]
    [InlineData(CleanupOutcome.TooManyHops, "554 5.4.0 Error: too many hops")]
    [InlineData(CleanupOutcome.TooBig, "552 5.3.4 Error: message file too big")]
    [InlineData(CleanupOutcome.ContentRejected, "550 5.7.1 Error: message content rejected")]
    public async Task What_cleanup_refuses_the_client_is_told(CleanupOutcome outcome, string reply)
    {
        using var server = new SmtpdFixture();
        server.Cleanup.Answer = new CleanupResult(outcome);
        (await SendOneAsync(server)).ShouldEndWith(reply + "\r\n");
        server.Cleanup.Open.ShouldBe(0);
    }

    [Fact]
    public async Task A_node_without_its_lease_accepts_nothing()
    {
        using var server = new SmtpdFixture { AcceptingMail = false };
        var sent = await SendOneAsync(server);
        sent.ShouldContain("451 4.3.0 ");
        server.Cleanup.Queued.ShouldBeEmpty();
    }

    [Fact]
    public async Task Own_clients_are_in_local_context_and_standard_input_is_not_restricted()
    {
        using var server = new SmtpdFixture();
        await server.RunAsync(
            [Bytes("HELO c\r\nMAIL FROM:<alice>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\n.\r\nQUIT\r\n")],
            client: "127.0.0.1",
            standAlone: true,
            cancellationToken: Token);
        var message = server.Cleanup.Queued.ShouldHaveSingleItem();
        message.Request.LocalContext.ShouldBeTrue();
        message.Recipients.ShouldHaveSingleItem().Address.ShouldBe("x@elsewhere.test");
    }

    [Fact]
    public void Any_bytes_get_a_reply_or_a_disconnect()
    {
        var piece = Gen.OneOf(Gen.Int[0, Words.Length - 1].Select(i => Bytes(Words[i])), Gen.Byte.Array[0, 40]);
        piece.Array[0, 30].Sample(
            pieces =>
            {
                using var server = new SmtpdFixture("smtpd_hard_error_limit = 1000");
                server.RunAsync(pieces, cancellationToken: CancellationToken.None).GetAwaiter().GetResult();
                return server.Cleanup.Open == 0 && server.Log[^1].StartsWith("disconnect from ", StringComparison.Ordinal);
            },
            iter: 3000);
    }

    private static async Task<string> SendOneAsync(SmtpdFixture server)
    {
        var client = await server.RunAsync(
            [.. UpToRcpt, Bytes("DATA\r\n"), Bytes(".\r\n")],
            cancellationToken: Token);
        return client.AllSent;
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
