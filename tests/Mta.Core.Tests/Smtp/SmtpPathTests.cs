using System.Text;
using Mta.Core.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Smtp;

public sealed class SmtpPathTests
{
    [Theory]
    [InlineData("<a@b.test>", "a@b.test", "")]
    [InlineData(" <a@b.test> SIZE=1", "a@b.test", " SIZE=1")]
    [InlineData("<>", "", "")]
    [InlineData("< >", "", "")]
    [InlineData("a@b.test RET=FULL", "a@b.test", " RET=FULL")]
    [InlineData("<@one.test,@two.test:a@b.test>", "a@b.test", "")]
    [InlineData("<\"a b\"@c.test>", "a b@c.test", "")]
    [InlineData("<\"a\\\"b\"@c.test>", "a\"b@c.test", "")]
    [InlineData("<a\\ b@c.test>", "a b@c.test", "")]
    [InlineData("<(comment)a@b.test>", "a@b.test", "")]
    [InlineData("<a @ b.test>", "a@b.test", "")]
    [InlineData("<a@[IPv6:::1]>", "a@[IPv6:::1]", "")]
    [InlineData("<a@b@c.test>", "a@b@c.test", "")]
    [InlineData("<\">\"@c.test>x", null, "")]
    [InlineData("<\">\"@c.test>", ">@c.test", "")]
    [InlineData("<a b@c.test>", null, "")]
    [InlineData("<a,b@c.test>", null, "")]
    [InlineData("<a@b.test", null, "")]
    [InlineData("<\"a@b.test>", null, "")]
    [InlineData("<a@b.test>junk", null, "")]
    [InlineData("<a\u0001@b.test>", null, "")]
    [InlineData("<a;b@c.test>", null, "")]
    public void Path_is_read_leniently(string text, string? address, string rest)
    {
        var outcome = SmtpPath.Parse(Encoding.UTF8.GetBytes(text), strict: false, out var found, out _, out var after);
        outcome.ShouldBe(address is null ? PathOutcome.Bad : PathOutcome.Ok);
        if (address is not null)
        {
            found.ShouldBe(address);
            Encoding.UTF8.GetString(after).ShouldBe(rest);
        }
    }

    [Theory]
    [InlineData("a@b.test", false)]
    [InlineData("<(c)a@b.test>", false)]
    [InlineData("<a @b.test>", false)]
    [InlineData("<a@b.test>", true)]
    [InlineData("<\"a b\"@c.test>", true)]
    public void Strict_envelopes_take_only_the_form_of_the_RFC(string text, bool valid) =>
        SmtpPath.Parse(Encoding.UTF8.GetBytes(text), strict: true, out _, out _, out _).ShouldBe(valid ? PathOutcome.Ok : PathOutcome.Bad);

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    public void Nothing_is_missing(string text) =>
        SmtpPath.Parse(Encoding.UTF8.GetBytes(text), strict: false, out _, out _, out _).ShouldBe(PathOutcome.Missing);
}
