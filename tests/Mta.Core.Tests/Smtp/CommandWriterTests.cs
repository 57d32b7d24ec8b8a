using System.Text;
using Mta.Core.Queue;
using Mta.Core.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Smtp;

public sealed class CommandWriterTests
{
    private const PeerFeatures All = PeerFeatures.Size | PeerFeatures.EightBitMime | PeerFeatures.SmtpUtf8 | PeerFeatures.Dsn;

    [Fact]
    public void Mail_has_the_parameters_that_the_server_knows()
    {
        var envelope = new Envelope
        {
            Id = new QueueId(1), Sender = "a@x.test", Size = 123, Flags = EnvelopeFlags.EightBit | EnvelopeFlags.SmtpUtf8, Return = DsnReturn.Headers, EnvelopeId = "id+3D1",
        };
        Written(w => w.Mail(envelope, All, quote: true, converted: false))
            .ShouldBe("MAIL FROM:<a@x.test> SIZE=123 BODY=8BITMIME SMTPUTF8 ENVID=id+3D1 RET=HDRS\r\n");
        Written(w => w.Mail(envelope, PeerFeatures.None, quote: true, converted: true)).ShouldBe("MAIL FROM:<a@x.test>\r\n");
    }

    [Fact]
    public void The_null_sender_is_empty() =>
        Written(w => w.Mail(new Envelope { Id = new QueueId(1), Sender = "" }, PeerFeatures.None, quote: true, converted: false)).ShouldBe("MAIL FROM:<>\r\n");

    [Theory]
    [InlineData("a@x.test", "<a@x.test>")]
    [InlineData("a.b+c@x.test", "<a.b+c@x.test>")]
    [InlineData("a b@x.test", "<\"a b\"@x.test>")]
    [InlineData("a\"\\@x.test", "<\"a\\\"\\\\\"@x.test>")]
    [InlineData("a..b@x.test", "<\"a..b\"@x.test>")]
    [InlineData("postmaster", "<postmaster>")]
    [InlineData("\u00e4@x.test", "<\u00e4@x.test>")]
    public void Addresses_are_quoted(string address, string expected) =>
        Written(w => w.Rcpt(new Recipient { Number = 0, Address = address }, PeerFeatures.None, quote: true)).ShouldBe($"RCPT TO:{expected}\r\n");

    [Theory]
    [InlineData("a@x\r\nDATA")]
    [InlineData("a\r\nDATA\r\n@x")]
    [InlineData("a\n@x")]
    public void No_address_ends_its_line(string address)
    {
        foreach (var quote in new[] { true, false })
        {
            var text = Written(w => w.Rcpt(new Recipient { Number = 0, Address = address }, All, quote));
            text.IndexOfAny(['\r', '\n']).ShouldBe(text.Length - 2);
        }
    }

    [Fact]
    public void The_original_recipient_is_what_mail_came_here_for()
    {
        Rcpt(new Recipient { Number = 0, Address = "b@x.test" }).ShouldBe("RCPT TO:<b@x.test> ORCPT=rfc822;b@x.test\r\n");
        Rcpt(new Recipient { Number = 0, Address = "b@x.test", Original = "a+c@y.test" }).ShouldBe("RCPT TO:<b@x.test> ORCPT=rfc822;a+2Bc@y.test\r\n");
        Rcpt(new Recipient { Number = 0, Address = "b@x.test", Original = "a@y", OriginalRecipient = "rfc822;z@y" }).ShouldBe("RCPT TO:<b@x.test> ORCPT=rfc822;z@y\r\n");
        Rcpt(new Recipient { Number = 0, Address = "a b@x.test" }).ShouldBe("RCPT TO:<\"a b\"@x.test> ORCPT=rfc822;\"a+20b\"@x.test\r\n");
        Rcpt(new Recipient { Number = 0, Address = "\u00e4@x.test" }).ShouldBe("RCPT TO:<\u00e4@x.test>\r\n");
    }

    private static string Rcpt(Recipient recipient) => Written(w => w.Rcpt(recipient, All, quote: true));

    private static string Written(Action<CommandWriter> write)
    {
        var writer = new CommandWriter();
        write(writer);
        return Encoding.UTF8.GetString(writer.Written.Span);
    }
}
