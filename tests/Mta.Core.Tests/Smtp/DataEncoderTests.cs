using System.Text;
using CsCheck;
using Mta.Core.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Smtp;

public sealed class DataEncoderTests
{
    [Theory]
    [InlineData("a\nb\n", "a\r\nb\r\n")]
    [InlineData(".\n..\n.a\nb.\n", "..\r\n...\r\n..a\r\nb.\r\n")]
    [InlineData("\n\n", "\r\n\r\n")]
    [InlineData("no end", "no end")]
    public void Content_becomes_what_is_sent_after_DATA(string content, string expected) => Encode(content, 998, 7, 9).ShouldBe(expected);

    [Fact]
    public void Long_lines_are_broken_by_a_line_end_and_a_space()
    {
        Encode("123456\n", 6, 100, 100).ShouldBe("123456\r\n");
        Encode("1234567890123\n", 6, 100, 100).ShouldBe("123456\r\n 78901\r\n 23\r\n");
    }

    [Fact]
    public void Where_input_and_output_are_cut_makes_no_difference() =>
        Gen.Select(Gen.Char["a.\n"].Array[0, 40], Gen.Int[1, 20], Gen.Int[4, 20], Gen.Int[2, 12]).Sample((chars, cut, room, limit) =>
            Encode(new string(chars), limit, cut, room) == Encode(new string(chars), limit, 1000, 1000));

    private static string Encode(string content, int limit, int cut, int room)
    {
        var encoder = new DataEncoder(limit);
        var bytes = Encoding.ASCII.GetBytes(content);
        var output = new byte[room];
        var result = new StringBuilder();
        for (var at = 0; at < bytes.Length;)
        {
            var (consumed, written) = encoder.Encode(bytes.AsSpan(at, Math.Min(cut, bytes.Length - at)), output);
            (consumed + written).ShouldBeGreaterThan(0);
            result.Append(Encoding.ASCII.GetString(output, 0, written));
            at += consumed;
        }

        return result.ToString();
    }
}
