using CsCheck;
using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class AliasSourceTests
{
    // What Debian's postalias -s prints for the same lines.
    [Theory]
    [InlineData("root: admin, other@x\n  third", "root", "admin, other@x third")]
    [InlineData("\"quoted name\": v", "quoted name", "v")]
    [InlineData("cmd: \"|/bin/prog arg\", :include:/tmp/x", "cmd", "\"|/bin/prog arg\", :include:/tmp/x")]
    [InlineData("\"a:b\": z", "a:b", "z")]
    [InlineData("foo bar: y", "foo bar", "y")]
    [InlineData("x : y : z", "x", "y:z")]
    [InlineData("\\esc: \"a\\\"b\"", "esc", "\"a\\\"b\"")]
    [InlineData("grp: a;, b: c;\n cont\n  cont2", "grp", "a;, b:c;cont cont2")]
    [InlineData("long: \"|cmd a,b\", \"|x\"y z, (comment) abc <bb@c>", "long", "\"|cmd a,b\", \"|x\" y z, (comment) abc <bb@c>")]
    [InlineData("mbox: /var/mail/list.mbox,", "mbox", "/var/mail/list.mbox, ")]
    public void Name_and_value_are_normalised(string line, string name, string value) =>
        AliasSource.Read(line).ShouldBe(new SourceLine(name, value, null));

    [Theory]
    [InlineData("Foo@bar: x", "name must be local")]
    [InlineData("noval:", "need name:value pair")]
    [InlineData("no colon here", "need name:value pair")]
    [InlineData(": v", "need name:value pair")]
    public void A_bad_line_is_dropped_with_the_reason(string line, string problem) =>
        AliasSource.Read(line).ShouldBe(new SourceLine(null, "", problem));

    [Fact]
    public void No_line_throws() =>
        Gen.OneOf(Gen.String, Gen.String["ab \"\\()[]<>@,;:."]).Sample(line => AliasSource.Read(line).Value is not null);
}
