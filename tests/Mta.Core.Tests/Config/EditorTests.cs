using CsCheck;
using Mta.Core.Config;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Config;

public sealed class EditorTests
{
    private static readonly Gen<string> AnyText =
        Gen.OneOf(
            Gen.Const("\n"), Gen.Const(" "), Gen.Const("#"), Gen.Const("\n "), Gen.Const("a = b\n"), Gen.Const("name=1\n"),
            Gen.Const("smtp unix - - n - - smtp -o a=b\n"), Gen.Const("=\n"), Gen.Char.Select(c => c.ToString()))
            .Array[0, 40].Select(string.Concat);

    [Fact]
    public void Edit_of_no_entry_changes_no_character() =>
        AnyText.Sample(text =>
            MainCfEditor.Apply(text, MainCfEdit.Remove, []).Text == text
            && MasterCfEditor.Apply(text, e => new MasterCfEdit(e.Fields), _ => "", []) == text);

    [Fact]
    public void New_value_is_the_one_that_counts_and_the_others_stay() =>
        AnyText.Sample(text =>
        {
            var before = Values(text);
            var after = Values(MainCfEditor.Apply(text, MainCfEdit.Set, [new("name", "2")]).Text);
            return after["name"] == "2" && before.Keys.All(k => k == "name" || after[k] == before[k]);
        });

    [Fact]
    public void Removed_and_commented_names_are_gone() =>
        AnyText.Sample(text =>
            !Values(MainCfEditor.Apply(text, MainCfEdit.Remove, [new("name", "")]).Text).ContainsKey("name")
            && !Values(MainCfEditor.Apply(text, MainCfEdit.CommentOut, [new("name", "")]).Text).ContainsKey("name"));

    [Fact]
    public void Entry_that_becomes_a_comment_keeps_its_text() =>
        MasterCfEditor.Apply("# a\nsmtp unix - - n - - smtp\n# b\n  -o c=d\nx unix - - n - - smtp", e => new MasterCfEdit(e.Fields[0] == "x" ? e.Fields : null, true), _ => "", [["y"]])
            .ShouldBe("# a\n#smtp unix - - n - - smtp\n# b\n#  -o c=d\nx unix - - n - - smtp\n");

    private static Dictionary<string, string> Values(string text)
    {
        var values = new Dictionary<string, string>();
        foreach (var entry in MainCf.Parse("main.cf", text).Entries)
        {
            values[entry.Name] = entry.Value;
        }

        return values;
    }
}
