using System.Buffers;
using System.Text;
using Mta.Core.Submission;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Submission;

public sealed class SubmissionFilterTests
{
    [Theory]
    [InlineData("Subject: x\n\nhello\n", "Subject: x\n\nhello\n")]
    [InlineData("Subject: x\r\n\r\nhello\r\n", "Subject: x\n\nhello\n")]
    [InlineData("Subject: x\n\nhello", "Subject: x\n\nhello\n")]
    [InlineData("Subject: x\n\nhello\r", "Subject: x\n\nhello\n")]
    [InlineData("Subject: x\n\na\n.\nb\n", "Subject: x\n\na\n")]
    [InlineData("Subject: x\n\na\r\n.\r\nb\n", "Subject: x\n\na\n")]
    [InlineData("Subject: x\n\n..\n. \n.a\n", "Subject: x\n\n..\n. \n.a\n")]
    [InlineData("From a@b Mon Jan 1\n>From c Mon\nSubject: x\n\nFrom here\n", "Subject: x\n\nFrom here\n")]
    [InlineData("", "")]
    [InlineData("\n", "\n")]
    [InlineData("\r\n", "\n")]
    [InlineData("a\rb\r\r\n", "a\rb\r\n")]
    public void Message_is_the_same_at_every_cut(string input, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(input);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            Run(LineEndings.Always, true, bytes[..cut], bytes[cut..]).Text.ShouldBe(expected);
        }
    }

    [Theory]
    [InlineData(LineEndings.Strict, "a\r\nb\r\n", "a\nb\n")]
    [InlineData(LineEndings.Strict, "a\nb\r\n", "a\nb\r\n")]
    [InlineData(LineEndings.Never, "a\r\nb\r\n", "a\r\nb\r\n")]
    public void Carriage_returns_go_as_configured(LineEndings endings, string input, string expected)
    {
        Run(endings, true, Encoding.UTF8.GetBytes(input)).Text.ShouldBe(expected);
    }

    [Fact]
    public void Dot_stays_when_it_does_not_end_the_message()
    {
        Run(LineEndings.Always, false, "a\n.\nb\n"u8.ToArray()).Text.ShouldBe("a\n.\nb\n");
    }

    [Theory]
    [InlineData("To: a@x\nCc: b@x,\n c@x\nBcc: d@x\n\nTo: e@x\n", "a@x b@x c@x d@x")]
    [InlineData("To : a@x\nSubject: y\n\n", "a@x")]
    [InlineData("To: a@x\nResent-To: b@x\nResent-Bcc: c@x\n\n", "b@x c@x")]
    [InlineData("To: a@x\nResent-From: q@x\n\n", "")]
    [InlineData("TO: a@x\nto: b@x", "a@x b@x")]
    [InlineData("To: a@x\nno header\nCc: b@x\n", "a@x")]
    [InlineData("To: Bob\n <a@x>,\n\tb@x\n\n", "a@x b@x")]
    public void Recipients_come_from_the_header(string input, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(input);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            string.Join(' ', Run(LineEndings.Always, true, bytes[..cut], bytes[cut..]).Filter.HeaderRecipients).ShouldBe(expected);
        }
    }

    [Fact]
    public void Line_of_any_length_passes()
    {
        var line = new string('x', 300_000);
        Run(LineEndings.Always, true, Encoding.ASCII.GetBytes($"To: {line}@x\r\n\r\n{line}\r\n")).Text.ShouldBe($"To: {line}@x\n\n{line}\n");
    }

    [Fact]
    public void Notes_eight_bit_text_and_a_From_header()
    {
        Run(LineEndings.Always, true, "From: x\n\né\n"u8.ToArray()).Filter.ShouldSatisfyAllConditions(f => f.HasFrom.ShouldBeTrue(), f => f.HasEightBit.ShouldBeTrue());
        Run(LineEndings.Always, true, "To: x\n\nFrom: e\n"u8.ToArray()).Filter.ShouldSatisfyAllConditions(f => f.HasFrom.ShouldBeFalse(), f => f.HasEightBit.ShouldBeFalse());
    }

    private static (SubmissionFilter Filter, string Text) Run(LineEndings endings, bool dots, params byte[][] pieces)
    {
        var filter = new SubmissionFilter(endings, dots);
        var output = new ArrayBufferWriter<byte>();
        foreach (var piece in pieces)
        {
            filter.Feed(piece, output);
        }

        filter.Finish(output);
        return (filter, Encoding.UTF8.GetString(output.WrittenSpan));
    }
}
