using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class TableSourceTests
{
    private const string Text = "Foo one\nbar two\nfoo three\n";

    private readonly List<string> warnings = [];

    [Fact]
    public void The_first_of_two_equal_keys_counts_with_a_warning()
    {
        new TableSource("/etc/m", aliases: false, warnings.Add).Read(Text)["foo"].ShouldBe("one");
        warnings.ShouldBe(["/etc/m, line 3: duplicate entry: \"foo\""]);
    }

    [Fact]
    public void A_file_must_not_begin_with_a_continued_line()
    {
        new TableSource("/etc/m", aliases: false, warnings.Add).Read(" a b\n\tc\nd e\n").Keys.ShouldBe(["d"]);
        warnings.ShouldBe(["/etc/m: logical line must not start with whitespace: \" a b\tc\""]);
    }

    [Theory]
    [InlineData(DuplicateKeys.Ignore, "one")]
    [InlineData(DuplicateKeys.Replace, "three")]
    public void Options_decide_in_silence(DuplicateKeys duplicates, string value)
    {
        new TableSource("/etc/m", aliases: false, warnings.Add) { Duplicates = duplicates }.Read(Text)["foo"].ShouldBe(value);
        warnings.ShouldBeEmpty();
    }

    [Fact]
    public void Keys_that_are_not_folded_differ_by_case() =>
        new TableSource("/etc/m", aliases: false, warnings.Add) { Folding = KeyFolding.None }.Read(Text).Keys.ShouldBe(["Foo", "bar", "foo"]);

    [Fact]
    public void Folding_may_stop_at_ASCII() =>
        new TableSource("/etc/m", aliases: false, warnings.Add) { Folding = KeyFolding.Ascii }.Read("FOÖ 1\n").Keys.ShouldBe(["foÖ"]);

    [Fact]
    public void A_value_that_cannot_be_made_leaves_its_entry_out()
    {
        new TableSource("/etc/m", aliases: false, warnings.Add) { Convert = v => v == "no" ? (null, "open no: why") : (v + v, null) }
            .Read("a x\nb no\n").ShouldBe(new Dictionary<string, string> { ["a"] = "xx" });
        warnings.ShouldBe(["/etc/m, line 2: open no: why: skipping this entry"]);
    }
}
