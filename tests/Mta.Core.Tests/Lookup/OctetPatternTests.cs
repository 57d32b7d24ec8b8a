using System.Net;
using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class OctetPatternTests
{
    [Theory]
    [InlineData("127.0.0.2", "127.0.0.2", "127.0.0.3 127.0.1.2 ::1 ::ffff:127.0.0.2")]
    [InlineData("127.0.0.[2..5;11]", "127.0.0.2 127.0.0.5 127.0.0.11", "127.0.0.1 127.0.0.6 127.0.0.10 127.0.0.12")]
    [InlineData("127.0.[0..2;4].[1]", "127.0.0.1 127.0.2.1 127.0.4.1", "127.0.3.1 127.0.0.2")]
    [InlineData("[0..255].[0..255].[0..255].[0..255]", "0.0.0.0 255.255.255.255", "::")]
    public void Addresses_match_place_by_place(string text, string matching, string others)
    {
        OctetPattern.Parse(text, out var pattern).ShouldBeNull();
        foreach (var address in matching.Split(' '))
        {
            pattern!.Matches(IPAddress.Parse(address)).ShouldBeTrue(address);
        }

        foreach (var address in others.Split(' '))
        {
            pattern!.Matches(IPAddress.Parse(address)).ShouldBeFalse(address);
        }
    }

    [Theory]
    [InlineData("", "empty address pattern")]
    [InlineData("127.0.0.x", "need decimal number 0..255 or \"[\" at \"127.0.0.>x<\"")]
    [InlineData("127.0.0.256", "need decimal number 0..255 or \"[\" at \"127.0.0.>256<\"")]
    [InlineData("127.0.0", "need \".\" at \"127.0.0><\"")]
    [InlineData("127.0.0.4x", "garbage after pattern at \"127.0.0.4>x<\"")]
    [InlineData("127.0.0.[1..255].5", "garbage after pattern at \"127.0.0.[1..255]>.<5\"")]
    [InlineData("127.0.0.[]", "need decimal number 0..255 at \"127.0.0.[>]<\"")]
    [InlineData("127.0.0.[4", "need \";\" or \"]\" at \"127.0.0.[4><\"")]
    [InlineData("[127].0.0.[9..3]", "numeric range error at \"[127].0.0.[9..>3<]\"")]
    public void What_is_wrong_is_said_with_its_place_as_postfix_does(string text, string problem)
    {
        OctetPattern.Parse(text, out var pattern).ShouldBe(problem);
        pattern.ShouldBeNull();
    }
}
