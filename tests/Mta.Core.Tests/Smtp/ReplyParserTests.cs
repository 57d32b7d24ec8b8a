using System.Text;
using Mta.Core.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Smtp;

public sealed class ReplyParserTests
{
    [Theory]
    [InlineData("250 2.1.0 Ok\r\n", 250, "2.1.0", "250 2.1.0 Ok")]
    [InlineData("250\r\n", 250, null, "250")]
    [InlineData("354 End data with <CR><LF>.<CR><LF>\n", 354, null, "354 End data with <CR><LF>.<CR><LF>")]
    [InlineData("550-5.7.1 first\r\n550 5.7.1 second\r\n", 550, "5.7.1", "550-5.7.1 first 550 5.7.1 second")]
    [InlineData("550 4.7.1 class differs\r\n", 550, null, "550 4.7.1 class differs")]
    [InlineData("550 5.7.1234 too long\r\n", 550, null, "550 5.7.1234 too long")]
    [InlineData("550 5.1.1\r\n", 550, "5.1.1", "550 5.1.1")]
    [InlineData("250 2.0.0 tab\tand\0nul\r\n", 250, "2.0.0", "250 2.0.0 tab?and?nul")]
    public void Reply_is_the_same_wherever_it_is_cut(string input, int code, string? enhanced, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(input);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var parser = new ReplyParser();
            var progress = parser.Parse(bytes.AsSpan(0, cut), out var consumed);
            consumed.ShouldBe(cut);
            if (cut < bytes.Length)
            {
                progress.ShouldBe(ReplyProgress.More);
                progress = parser.Parse(bytes.AsSpan(cut), out consumed);
            }

            progress.ShouldBe(ReplyProgress.Complete);
            parser.ToReply().ShouldBe(new Reply(code, text, enhanced));
        }
    }

    [Fact]
    public void Replies_to_pipelined_commands_are_read_one_by_one()
    {
        var parser = new ReplyParser();
        var input = "250 a\r\n550-b\r\n550 c\r\n354 d\r\n"u8;
        var codes = new List<int>();
        while (input.Length > 0)
        {
            parser.Parse(input, out var consumed).ShouldBe(ReplyProgress.Complete);
            codes.Add(parser.Code);
            input = input[consumed..];
        }

        codes.ShouldBe([250, 550, 354]);
    }

    [Fact]
    public void Lines_that_are_no_reply_are_said_to_be_so()
    {
        var parser = new ReplyParser();
        parser.Parse("hello\r\n250 ok\r\n"u8, out var consumed).ShouldBe(ReplyProgress.Garbage);
        parser.Parse("hello\r\n250 ok\r\n"u8[consumed..], out _).ShouldBe(ReplyProgress.Complete);
        parser.Code.ShouldBe(250);
    }

    [Fact]
    public void A_reply_without_end_is_bounded()
    {
        var parser = new ReplyParser();
        var line = Encoding.ASCII.GetBytes("250-" + new string('x', 5000) + "\r\n");
        var progress = ReplyProgress.More;
        var count = 0;
        while (progress == ReplyProgress.More && count++ < 1000)
        {
            progress = parser.Parse(line, out _);
        }

        progress.ShouldBe(ReplyProgress.TooLong);
        parser.Lines.Length.ShouldBeLessThanOrEqualTo(8192);
    }

    [Fact]
    public void A_long_reply_keeps_its_beginning_and_its_code()
    {
        var parser = new ReplyParser();
        var input = Encoding.ASCII.GetBytes("550-" + new string('x', 9000) + "\r\n550 5.1.1 end\r\n");
        parser.Parse(input, out _).ShouldBe(ReplyProgress.Complete);
        parser.Code.ShouldBe(550);
        parser.ToReply().Dsn.ShouldBe("5.0.0");
    }

    [Fact]
    public void Storage_exceeded_for_a_recipient_is_temporary() =>
        new Reply(552, "552 5.2.2 Too many", "5.2.2").AsTemporary().Dsn.ShouldBe("4.2.2");
}
