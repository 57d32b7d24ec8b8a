using System.Text;
using Mta.Core.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Smtp;

public sealed class ServerReplyTests
{
    [Fact]
    public void Control_characters_do_not_reach_the_wire()
    {
        var reply = new ServerReply("550 5.1.1 <a\r\nb\0>: no");
        Encoding.UTF8.GetString(reply.Wire).ShouldBe("550 5.1.1 <a  b >: no\r\n");
        reply.Code.ShouldBe(550);
    }

    [Fact]
    public void A_line_is_at_most_512_octets_and_ends_with_a_whole_character()
    {
        var reply = new ServerReply("550 " + new string('ø', 400));
        reply.Wire.Length.ShouldBeLessThanOrEqualTo(512);
        reply.Text.ShouldEndWith("ø");
    }

    [Theory]
    [InlineData("550 5.1.1 no", "450 4.1.1 no")]
    [InlineData("501 Syntax: HELO hostname", "401 Syntax: HELO hostname")]
    [InlineData("250 2.0.0 Ok", "250 2.0.0 Ok")]
    public void Soft_bounce_changes_both_codes(string hard, string soft) => new ServerReply(hard).Soften().Text.ShouldBe(soft);
}
