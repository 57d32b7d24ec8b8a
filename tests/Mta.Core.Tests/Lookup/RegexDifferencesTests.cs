using Mta.Core.Lookup.Patterns;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

/// <summary>The differences of regular expressions from PCRE and POSIX that COMPATIBILITY.md lists, line by line.</summary>
public sealed class RegexDifferencesTests
{
    private readonly List<string> warnings = [];

    [Theory]
    [InlineData("/^(a(?1)?b)$/")]
    [InlineData("/^(?R)?a$/")]
    [InlineData("/(?|(a)|(b))/")]
    [InlineData(@"/a\Kb/")]
    [InlineData("/(*SKIP)a/")]
    [InlineData("/a(?C1)b/")]
    [InlineData(@"/\p{Greek}/")]
    [InlineData(@"/\X/")]
    [InlineData("/(?U)a/")]
    [InlineData("/(?J)a/")]
    public void What_is_not_supported_fails_its_lookups_and_not_those_that_end_before(string pattern)
    {
        var rules = Read("pcre", $"/^first/ one\n{pattern} two\n/./ three\n");
        warnings.ShouldHaveSingleItem().ShouldEndWith(": lookups that come to this rule fail");
        rules.Find("first").Value.ShouldBe("one");
        rules.Find("x").IsFailed.ShouldBeTrue();
    }

    [Fact]
    public void A_look_behind_may_be_of_any_length() => Read("pcre", "/(?<=a+)b/ yes\n").Find("aab").Value.ShouldBe("yes");

    [Fact]
    public void The_first_alternative_wins_where_POSIX_takes_the_longest()
    {
        Read("regexp", "/^(a|ab)(c|bcd)?/ <$1>\n").Find("abcd").Value.ShouldBe("<a>");
        Read("regexp", "/^(a|ab)(c|bcd)(d*)$/ <$1>\n").Find("abcd").IsFound.ShouldBeTrue();
    }

    [Fact]
    public void Bracket_expressions_without_case_follow_Latin_1()
    {
        Read("pcre", "/[\u00e9]/ yes\n").Find("\u00c9").IsFound.ShouldBeTrue();
        Read("pcre", "/\u00e9/ yes\n").Find("\u00c9").IsFound.ShouldBeFalse();
    }

    private RegexRules Read(string type, string text) => RegexRules.Read(type, "t", RuleLine.Read(text), warnings.Add);
}
