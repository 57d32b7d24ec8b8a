using CsCheck;
using Mta.Core.Config;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Config;

public sealed class MainCfTests
{
    private const string Sample = "# head\nmyorigin = x\n foo\n\n# inside\n  # indented\n\tbar  \nname=value#not a comment\nempty =\nlast = $x = y";

    [Fact]
    public void Entries_are_read_with_continuations_and_comments()
    {
        var parsed = MainCf.Parse("main.cf", Sample);
        parsed.Problems.ShouldBeEmpty();
        parsed.Entries.ShouldBe(
        [
            new("myorigin", "x foo\tbar", 2, 7),
            new("name", "value#not a comment", 8, 8),
            new("empty", "", 9, 9),
            new("last", "$x = y", 10, 10),
        ]);
    }

    [Fact]
    public void Carriage_returns_at_line_ends_do_not_count() =>
        MainCf.Parse("main.cf", "a = b\r\n c\r\nd = e\r\n").Entries.ShouldBe([new("a", "b c", 1, 2), new("d", "e", 3, 3)]);

    [Theory]
    [InlineData("a = 1\n\na = 2", false, "main.cf, line 3: overriding earlier entry: a=1")]
    [InlineData(" foo = 1", false, "main.cf, line 1: logical line must not start with whitespace: \" foo = 1\"")]
    [InlineData("#\nfoo", true, "main.cf, line 2: missing '=' after attribute name: \"foo\"")]
    [InlineData("foo bar = x", true, "main.cf, line 1: missing '=' after attribute name: \"foo bar = x\"")]
    [InlineData("= bar", true, "main.cf, line 1: missing attribute name: \"= bar\"")]
    public void Problems_have_file_and_line(string text, bool isError, string expected)
    {
        var problem = MainCf.Parse("main.cf", text).Problems.ShouldHaveSingleItem();
        problem.IsError.ShouldBe(isError);
        problem.ToString().ShouldBe(expected);
    }

    [Fact]
    public void Every_cut_is_read()
    {
        for (var length = 0; length <= Sample.Length; length++)
        {
            MainCf.Parse("main.cf", Sample[..length]).Entries.Count.ShouldBeLessThanOrEqualTo(4);
        }
    }

    [Fact]
    public void Any_text_gives_settings_or_errors() =>
        Gen.OneOf(
            Gen.Const("\n"), Gen.Const("="), Gen.Const(" "), Gen.Const("$"), Gen.Const("${"), Gen.Const("}"), Gen.Const("#"),
            Gen.Const("biff"), Gen.Const("myhostname"), Gen.Const("mydomain"), Gen.Const("inet_interfaces"), Gen.Const("x"),
            Gen.Char.Select(c => c.ToString()))
            .Array[0, 60].Select(string.Concat)
            .Sample(text => SettingsLoader.Load("main.cf", text, HostFacts.Loopback) is { } loaded && (loaded.Settings is null) == loaded.Problems.Any(p => p.IsError), iter: 500);

    [Fact]
    public void Host_and_domain_that_refer_to_each_other_come_to_an_end()
    {
        foreach (var text in (string[])["myhostname = a.$mydomain", "mydomain = $myhostname", "mydomain = $myhostname\nmyhostname = $mydomain", "inet_interfaces = $mynetworks"])
        {
            _ = SettingsLoader.Load("main.cf", text, HostFacts.Loopback with { HostName = "vm" });
        }
    }

    [Theory]
    [InlineData("", new string[0])]
    [InlineData(" a,b ,, c\t\nd ", new[] { "a", "b", "c", "d" })]
    [InlineData("inline:{ {a = b}, c=d } x {y, z}", new[] { "inline:{ {a = b}, c=d }", "x", "{y, z}" })]
    [InlineData("a} b {c", new[] { "a}", "b", "{c" })]
    public void Lists_are_split_outside_braces(string text, string[] expected) => ValueList.Split(text).ShouldBe(expected);
}
