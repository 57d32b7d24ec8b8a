using CsCheck;
using Mta.Core.Config;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Config;

/// <summary>The expectations were read off Postfix's <c>postconf -x</c>.</summary>
public sealed class ExpanderTests
{
    private static readonly Dictionary<string, string> Values = new()
    {
        ["a"] = "$b",
        ["b"] = "",
        ["c"] = "see",
        ["d"] = "${c}${c:no}",
        ["loop"] = "x$loop",
        ["level"] = "3.6",
        ["bomb"] = string.Concat(Enumerable.Repeat("$bomb2", 1000)),
        ["bomb2"] = string.Concat(Enumerable.Repeat("$bomb3", 1000)),
        ["bomb3"] = new string('x', 1000),
    };

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("$c $(c) ${c} ${ c }", "see see see see")]
    [InlineData("$c.org", "see.org")]
    [InlineData("$d", "see")]
    [InlineData("${undefined}z", "z")]
    [InlineData("$$ $$$$a $${c}", "$ $$a ${c}")]
    [InlineData("${a?yes} ${a:no}", "yes ")]
    [InlineData("${b?x} ${b:no} ${c?yes} ${c:no}", " no yes ")]
    [InlineData("${b?{x}:{y}}|${c?{x}:{y}}|${b?{x}:y}|${c ? {x} : {y}}", "y|x|y|x")]
    [InlineData("${c?x:y}|${b:x?y}", "x:y|x?y")]
    [InlineData("${c?{  sp  }}|${c? sp}", "  sp  | sp")]
    [InlineData("${{1} == {1}}|${{1} == {2}}|", "true||")]
    [InlineData("${{2} < {10} ? {number} : {text}} ${{x2} < {x10} ? {number} : {text}}", "number text")]
    [InlineData("${{$b} == {} ? {empty} : {$c}} ${{$c} != {} ? {$c} : {}}", "empty see")]
    [InlineData("${{$level} <level {3.10} ? {old} : {new}} ${{$level} >=level {3.6.0}?{new}:{old}}", "old new")]
    [InlineData("${{$level} < {3.10} ? {old} : {new}}", "new")]
    [InlineData("${c?{${b?{x}:{$c/$c}}}}", "see/see")]
    [InlineData("${domain_to_ascii{$c}} ${domain_to_ascii{b\u00fccher.example}}", "see xn--bcher-kva.example")]
    public void Expands_as_Postfix(string text, string expected)
    {
        var expansion = Expander.Expand(text, Values.GetValueOrDefault);
        expansion.Error.ShouldBeNull();
        expansion.Value.ShouldBe(expected);
    }

    [Theory]
    [InlineData("$loop", "unreasonable macro call nesting: \"x\"\nunreasonable macro call nesting: \"loop\"")]
    [InlineData("${b", "truncated macro reference: \"${b\"")]
    [InlineData("$-x", "empty macro name: \"$-x\"")]
    [InlineData("x$", "empty macro name: \"x$\"")]
    [InlineData("${}", "empty macro name: \"${}\"")]
    [InlineData("${b?{x}y}", "\":\" expected at: \"...x}>>>y\"")]
    [InlineData("${{a}}", "\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...a}>>>\"")]
    [InlineData("${{a} <level {3}}", "malformed compatibility level syntax: \"a\"")]
    [InlineData("${a-b}", "attribute name syntax error at: \"...a>>>-b\"")]
    [InlineData("${rot13{a}}", "attribute name syntax error at: \"...rot13>>>{a}\"")]
    [InlineData("$bomb", "the expanded value is unreasonably long")]
    public void Says_what_is_wrong(string text, string expected) =>
        Expander.Expand(text, Values.GetValueOrDefault).Error.ShouldNotBeNull().ShouldStartWith(expected);

    [Fact]
    public void Values_of_others_are_not_expanded_when_told_so() =>
        Expander.Expand("$d", Values.GetValueOrDefault, recursive: false).Value.ShouldBe("${c}${c:no}");

    [Fact]
    public void Never_throws_whatever_the_text() =>
        Gen.OneOf(
            Gen.Const("$"), Gen.Const("{"), Gen.Const("}"), Gen.Const("?"), Gen.Const(":"), Gen.Const("=="), Gen.Const("<level"),
            Gen.Const("a"), Gen.Const("loop"), Gen.Const(" "), Gen.Char.Select(c => c.ToString()))
            .Array[0, 40].Select(string.Concat)
            .Sample(text => Expander.Expand(text, Values.GetValueOrDefault) is { } result && (result.Error is null || result.Value.Length == 0), iter: 20_000);

    [Fact]
    public void Every_cut_of_a_good_text_is_expanded_or_refused()
    {
        const string text = "a ${{$level} <=level {3.6} ? {${b?{x}:{$c}}} : {$(d)}} $$ ${c:no} ${domain_to_ascii{$c}}";
        for (var length = 0; length <= text.Length; length++)
        {
            var expansion = Expander.Expand(text[..length], Values.GetValueOrDefault);
            (expansion.Error is null || expansion.Value.Length == 0).ShouldBeTrue();
        }
    }
}
