using CsCheck;
using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class MapSourceTests
{
    [Fact]
    public void Lines_are_joined_across_comments_and_empty_lines()
    {
        const string text = "# head\n\nfirst one\n  two\n\n# between\n\tthree\r\nsecond x\n  \n";
        var lines = new LogicalLines(text);
        lines.MoveNext().ShouldBeTrue();
        lines.Current.ShouldBe("first one  two\tthree");
        lines.LineNumber.ShouldBe(3);
        lines.MoveNext().ShouldBeTrue();
        lines.Current.ShouldBe("second x");
        lines.MoveNext().ShouldBeFalse();
    }

    [Theory]
    [InlineData("key value", "key", "value")]
    [InlineData("key \t two words  ", "key", "two words")]
    [InlineData("\"a b\"@c.d x", "\"a b\"@c.d", "x")]
    [InlineData("\"a\\\" b\" x", "\"a\\\" b\"", "x")]
    public void Key_and_value_are_apart_by_white_space(string line, string key, string value) =>
        MapSource.Read(line).ShouldBe(new SourceLine(key, value, null));

    [Theory]
    [InlineData("key", "expected format: key whitespace value")]
    [InlineData("\"key value", "unbalanced '\"' in '\"key value' -- ignoring this line")]
    [InlineData("key \ufffd", "non-UTF-8 input \"key ?\" -- ignoring this line")]
    public void A_bad_line_is_dropped_with_the_reason(string line, string problem)
    {
        MapSource.Read(line).Key.ShouldBeNull();
        MapSource.Read(line).Problem.ShouldBe(problem);
    }

    [Fact]
    public void A_line_of_an_alias_file_is_kept_with_a_warning()
    {
        var (key, value, problem) = MapSource.Read("alias: x");
        (key, value).ShouldBe(("alias:", "x"));
        problem.ShouldBe("record is in \"key: value\" format; is this an alias file?");
    }

    [Fact]
    public void Any_text_is_read_to_its_end() =>
        Gen.OneOf(Gen.String, Gen.String["a \t\n\r#\"\\:"]).Sample(text =>
        {
            var lines = new LogicalLines(text);
            while (lines.MoveNext())
            {
                MapSource.Read(lines.Current);
            }
        });
}
