using Mta.Core.Lookup.Patterns;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class RegexRulesTests
{
    [Theory]
    [InlineData("pcre")]
    [InlineData("regexp")]
    public void A_match_that_takes_too_long_fails_the_lookup(string type)
    {
        var rules = RegexRules.Read(type, "t", RuleLine.Read("/^(a|aa)+$/ x\n/./ other\n"), _ => { }, TimeSpan.FromMilliseconds(50));
        rules.Find("b").Value.ShouldBe("other");
        var result = rules.Find(new string('a', 60) + "b");
        result.IsFailed.ShouldBeTrue();
        result.Text.ShouldBe($"{type}:t: a match took longer than 0.05 seconds");
    }

    [Theory]
    [InlineData(@"/a\Kb/")]
    [InlineData(@"/(*UTF)a/")]
    [InlineData(@"/(?|a|b)/")]
    [InlineData(@"/(a(?1)?b)/")]
    [InlineData(@"/\p{Greek}/")]
    public void A_rule_that_cannot_be_translated_fails_and_is_warned_of(string pattern)
    {
        var warnings = new List<string>();
        var rules = RegexRules.Read("pcre", "t", RuleLine.Read($"{pattern} x\n/./ other\n"), warnings.Add);
        rules.Find("b").IsFailed.ShouldBeTrue();
        warnings.ShouldHaveSingleItem().ShouldEndWith("lookups that come to this rule fail");
    }
}
