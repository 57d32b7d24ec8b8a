using CsCheck;
using Mta.Core.Addresses;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Addresses;

public sealed class ExtensionRulesTests
{
    [Theory]
    [InlineData("+", "user+ext", 4)]
    [InlineData("+-", "user-a+b", 4)]
    [InlineData("+", "user", -1)]
    [InlineData("", "user+ext", -1)]
    [InlineData("+", "+ext", -1)]
    [InlineData("+", "user+", 4)]
    [InlineData("-", "mailer-daemon", -1)]
    [InlineData("-", "MAILER-DAEMON", -1)]
    [InlineData("-", "double-bounce", -1)]
    [InlineData("m", "Postmaster", -1)]
    [InlineData("-", "owner-list", -1)]
    [InlineData("-", "list-request", -1)]
    [InlineData("-", "owner-", 5)]
    [InlineData("+", "owner-list+x", 10)]
    public void The_first_delimiter_splits_but_some_names_are_whole(string delimiters, string localPart, int expected) =>
        new ExtensionRules(delimiters).IndexOfDelimiter(localPart).ShouldBe(expected);

    [Fact]
    public void Owner_and_request_are_split_when_they_are_not_special() =>
        new ExtensionRules("-", ownerRequestSpecial: false).IndexOfDelimiter("owner-list").ShouldBe(5);

    [Fact]
    public void User_and_extension_are_never_empty_handed() =>
        Gen.Select(Gen.String["+-ab"], Gen.String["+-"]).Sample((localPart, delimiters) =>
        {
            var at = new ExtensionRules(delimiters, ownerRequestSpecial: false).IndexOfDelimiter(localPart);
            return at == -1 || (at > 0 && delimiters.Contains(localPart[at]) && !localPart.AsSpan(0, at).ContainsAny(delimiters));
        });
}
