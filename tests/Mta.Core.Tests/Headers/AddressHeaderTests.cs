using Mta.Core.Headers;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Headers;

/// <summary>What Postfix 3.7's cleanup makes of a To header from a local client.</summary>
public sealed class AddressHeaderTests
{
    [Theory]
    [InlineData("foo (c), bar(c)x, (only comment)", "foo@mx.example.org (c), bar@mx.example.org, x@mx.example.org (c),\n\t(only comment)")]
    [InlineData("a b c", "a@mx.example.org, b@mx.example.org, c@mx.example.org")]
    [InlineData("a . b @ c", null)]
    [InlineData("\"x\" y <z>", "\"x\" y <z@mx.example.org>")]
    [InlineData("Foo Bar<foo>", "Foo Bar <foo@mx.example.org>")]
    [InlineData("<foo> trailing", "<foo@mx.example.org>, trailing@mx.example.org")]
    [InlineData("foo@[1.2.3.4], foo @ bar", null)]
    [InlineData("undisclosed:;", null)]
    [InlineData("grp:a,b;", "grp: a@mx.example.org, b@mx.example.org;")]
    [InlineData("a,,b", "a@mx.example.org, , b@mx.example.org")]
    [InlineData(", a", ", a@mx.example.org")]
    [InlineData("\"unterminated", "unterminated@mx.example.org")]
    [InlineData("(unterminated", null)]
    [InlineData("a@b (x) <y>", "a@b (x) <y@mx.example.org>")]
    [InlineData("foo.bar.", "\"foo.bar.\"@mx.example.org")]
    [InlineData("=?utf-8?q?x?= <foo>", "=?utf-8?q?x?= <foo@mx.example.org>")]
    [InlineData("\"q\\\"s\" <foo>", "\"q\\\"s\" <foo@mx.example.org>")]
    [InlineData("\\foo", "foo@mx.example.org")]
    [InlineData("x:y", "\"x:y\"@mx.example.org")]
    [InlineData("a@b@c", "\"a@b\"@c")]
    [InlineData("foo@", null)]
    [InlineData("@foo", "\"\"@foo")]
    [InlineData("Jürgen <foo>", "Jürgen <foo@mx.example.org>")]
    [InlineData("\"Jürgen\" <foo>", "\"Jürgen\" <foo@mx.example.org>")]
    [InlineData("<>", null)]
    [InlineData("foo%bar", "foo@bar")]
    [InlineData("a!b", "b@a")]
    [InlineData("\"a!b\"", "a!b@mx.example.org")]
    [InlineData("fo\to", "fo@mx.example.org, o@mx.example.org")]
    [InlineData("[x]", "\"[x]\"@mx.example.org")]
    [InlineData("foo\n bar", "foo@mx.example.org, bar@mx.example.org")]
    [InlineData("foo,\n bar,\n\tbaz@x.y", "foo@mx.example.org, bar@mx.example.org, baz@x.y")]
    [InlineData("foo@x.y.", "foo@x.y")]
    [InlineData("x <foo@x.y.>", "x <foo@x.y>")]
    [InlineData("J. R. Foo <foo>", "J.R.Foo <foo@mx.example.org>")]
    [InlineData("a@b c <foo>", "a@b c <foo@mx.example.org>")]
    [InlineData("<a> <b>", "<a@mx.example.org> <b@mx.example.org>")]
    [InlineData("(c) foo", "foo@mx.example.org (c)")]
    [InlineData("foo (c) <bar>", "foo (c) <bar@mx.example.org>")]
    [InlineData("a (c), <b> (d) (e), f", "a@mx.example.org (c), <b@mx.example.org>(d) (e), f@mx.example.org")]
    [InlineData("grp: a (x), <b>; c", "grp: a@mx.example.org (x), <b@mx.example.org>;, c@mx.example.org")]
    [InlineData("A:;, foo", "A: ;, foo@mx.example.org")]
    [InlineData("\"a\" \"b\" <foo>", "\"a\" \"b\" <foo@mx.example.org>")]
    [InlineData("a \"b\"@c, x", "a@mx.example.org, b@c, x@mx.example.org")]
    [InlineData("Foo, Bar <foo>", "Foo@mx.example.org, Bar <foo@mx.example.org>")]
    [InlineData("foo;bar;", "foo@mx.example.org;, bar@mx.example.org;")]
    [InlineData("foo;,bar", "foo@mx.example.org;, bar@mx.example.org")]
    [InlineData("J.Doe <foo>,x", "J.Doe <foo@mx.example.org>, x@mx.example.org")]
    [InlineData("foo (a\n b)", "foo@mx.example.org (a  b)")]
    [InlineData("\"a\tb  c\"  <foo>", "\"a b  c\" <foo@mx.example.org>")]
    [InlineData("a:b:c", "\"a:b:c\"@mx.example.org")]
    [InlineData("foo@x.y, bar (c (d) e)", "foo@x.y, bar@mx.example.org (c (d) e)")]
    [InlineData("<foo>(c)", "<foo@mx.example.org>(c)")]
    [InlineData("<foo> (c)", "<foo@mx.example.org>(c)")]
    [InlineData("x@y (z), foo", "x@y (z), foo@mx.example.org")]
    [InlineData("a\\ b <foo>", "\"a b\" <foo@mx.example.org>")]
    [InlineData("a/b=c <foo>", "a/b=c <foo@mx.example.org>")]
    [InlineData("O'Neil <foo>", "O'Neil <foo@mx.example.org>")]
    [InlineData("foo.@x.y, z", "\"foo.\"@x.y, z@mx.example.org")]
    [InlineData("a..b@x.y, z", "\"a..b\"@x.y, z@mx.example.org")]
    [InlineData("z, @x.y", "z@mx.example.org, \"\"@x.y")]
    [InlineData("z, [1.2.3.4]", "z@mx.example.org, \"[1.2.3.4]\"@mx.example.org")]
    [InlineData("z, foo@[1.2.3.4] (c)", "z@mx.example.org, foo@[1.2.3.4] (c)")]
    [InlineData("grp : foo ;", "grp: foo@mx.example.org;")]
    [InlineData("foo,", "foo@mx.example.org, ")]
    [InlineData("foo,bar,", "foo@mx.example.org, bar@mx.example.org, ")]
    [InlineData(",foo", ", foo@mx.example.org")]
    [InlineData("foo, , bar", "foo@mx.example.org, , bar@mx.example.org")]
    [InlineData("=?utf-8?q?=C3=BC?= <foo>", "=?utf-8?q?=C3=BC?= <foo@mx.example.org>")]
    [InlineData("a@b<foo>", "a@b <foo@mx.example.org>")]
    [InlineData("<foo>,<bar>", "<foo@mx.example.org>, <bar@mx.example.org>")]
    [InlineData("a@x.y b@x.y, foo", "a@x.y, b@x.y, foo@mx.example.org")]
    [InlineData("mailto:foo", "\"mailto:foo\"@mx.example.org")]
    [InlineData("foo bar@x.y", "foo@mx.example.org, bar@x.y")]
    public void Completes_as_Postfix_does(string value, string? expected) => Rewrite(value).ShouldBe(expected);

    [Fact]
    public void Addresses_that_are_complete_leave_the_header_alone() =>
        Rewrite("a@b.c,\n\t\"x y\"@d  (comment) , Grp : <e@f.g>;").ShouldBeNull();

    [Fact]
    public void Text_of_any_kind_is_read_to_its_end()
    {
        var random = new Random(4711);
        const string characters = "ab \"\\()<>,;:@.%![]\t\n";
        for (var i = 0; i < 5000; i++)
        {
            var value = new string(random.GetItems<char>(characters, random.Next(24)));
            Should.NotThrow(() => Rewrite(value), value);
        }
    }

    private static string? Rewrite(string value) => AddressHeader.Rewrite("To", value, Complete)?["To: ".Length..];

    private static string Complete(string address, bool quoted)
    {
        if (address.Length == 0 || address.EndsWith('@'))
        {
            return address;
        }

        if (!quoted && !address.Contains('@'))
        {
            if (address.IndexOf('!') is >= 0 and var bang)
            {
                return $"{address[(bang + 1)..]}@{address[..bang]}";
            }

            if (address.LastIndexOf('%') is >= 0 and var percent)
            {
                return $"{address[..percent]}@{address[(percent + 1)..]}";
            }
        }

        return address.Contains('@') ? address.TrimEnd('.') : $"{address}@mx.example.org";
    }
}
