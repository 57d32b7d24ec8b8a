using System.Net;
using CsCheck;
using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class MatchListTests
{
    [Theory]
    [InlineData("127.0.0.0/8 [::1]/128", "127.0.0.1", true)]
    [InlineData("127.0.0.0/8 [::1]/128", "::1", true)]
    [InlineData("127.0.0.0/8 [::1]/128", "128.0.0.1", false)]
    [InlineData("127.0.0.0/8", "::ffff:127.0.0.1", true)]
    [InlineData("[2001:db8::]/32", "2001:db8:1::5", true)]
    [InlineData("[2001:db8::]/32", "2001:db9::", false)]
    [InlineData("[2001:0DB8:0::1]", "2001:db8::1", true)]
    [InlineData("192.0.2.1, 192.0.2.2", "192.0.2.2", true)]
    [InlineData("!192.0.2.1 192.0.2.0/24", "192.0.2.1", false)]
    [InlineData("!192.0.2.1 192.0.2.0/24", "192.0.2.2", true)]
    [InlineData("192.0.2.0/24 !192.0.2.1", "192.0.2.1", true)]
    [InlineData("0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("127.", "127.0.0.1", false)]
    public void Networks_match_addresses(string list, string address, bool expected) =>
        Match(MatchList.Parse("mynetworks", list, MatchListKind.NamesAndAddresses, true), "", IPAddress.Parse(address)).ShouldBe(expected);

    [Theory]
    [InlineData("10.1.2.3/8", "non-null host address bits in \"10.1.2.3/8\", perhaps you should use \"10.0.0.0/8\" instead")]
    [InlineData("[2001:db8::1]/64", "non-null host address bits in \"2001:db8::1/64\", perhaps you should use \"2001:db8::/64\" instead")]
    [InlineData("10.0.0.0/33", "bad mask length in \"10.0.0.0/33\"")]
    [InlineData("[::1", "missing ']' character after \"[::1\"")]
    [InlineData("[::1]x", "garbage after \"[::1]\"")]
    [InlineData("010.0.0.0/8", "bad network value in \"010.0.0.0/8\"")]
    public void An_element_that_cannot_be_read_makes_the_match_fail(string element, string error)
    {
        var list = MatchList.Parse("mynetworks", $"192.0.2.1 {element} 192.0.2.2", MatchListKind.NamesAndAddresses);
        list.Errors.ShouldBe([error]);
        var position = 0;
        list.Next("", IPAddress.Parse("192.0.2.1"), ref position).Kind.ShouldBe(MatchStepKind.Match);
        position = 0;
        list.Next("", IPAddress.Parse("192.0.2.2"), ref position).ShouldBe(new MatchStep(MatchStepKind.Failed, Text: error));
    }

    [Theory]
    [InlineData("example.com", true, "sub.example.com", true)]
    [InlineData("example.com", true, "EXAMPLE.com", true)]
    [InlineData("example.com", true, "notexample.com", false)]
    [InlineData("example.com", false, "sub.example.com", false)]
    [InlineData(".example.com", false, "sub.example.com", true)]
    [InlineData(".example.com", false, "example.com", false)]
    [InlineData("!a.example.com example.com", true, "a.example.com", false)]
    [InlineData("!a.example.com example.com", true, "b.example.com", true)]
    public void Domains_match_their_subdomains_as_configured(string list, bool subdomains, string name, bool expected)
    {
        Match(MatchList.Parse("relay_domains", list, MatchListKind.Domains, subdomains), name).ShouldBe(expected);

        // The same with so many elements that a set is used; negation keeps the walk.
        var many = list + " " + string.Join(' ', Enumerable.Range(0, 20).Select(i => $"filler{i}.test"));
        Match(MatchList.Parse("relay_domains", many, MatchListKind.Domains, subdomains), name).ShouldBe(expected);
    }

    [Theory]
    [InlineData("example.com localhost", "LOCALHOST", true)]
    [InlineData("example.com localhost", "sub.example.com", false)]
    [InlineData("example.com", "", false)]
    public void Strings_match_whole(string list, string name, bool expected) =>
        Match(MatchList.Parse("mydestination", list, MatchListKind.Strings, true), name).ShouldBe(expected);

    [Fact]
    public void Files_are_included_with_their_exclusions()
    {
        var files = new Dictionary<string, string> { ["/a"] = "# comment\nexample.com !example.net\n/b\n", ["/b"] = "example.org" };
        var list = MatchList.Parse("mydestination", "/a, !/b", MatchListKind.Strings, readFile: files.GetValueOrDefault);
        Match(list, "example.com").ShouldBeTrue();
        Match(list, "example.net").ShouldBeFalse();
        Match(list, "example.org").ShouldBeTrue();
    }

    [Fact]
    public void A_file_that_is_missing_or_includes_itself_is_an_error()
    {
        MatchList.Parse("mydestination", "/a", MatchListKind.Strings).Errors.ShouldBe(["cannot open file /a"]);
        MatchList.Parse("mydestination", "/a", MatchListKind.Strings, readFile: _ => "/a").Errors.ShouldBe(["file /a includes itself"]);
    }

    [Fact]
    public void The_walk_stops_at_tables_and_goes_on_behind_them()
    {
        var list = MatchList.Parse("relay_domains", "a.test !hash:/etc/excluded inline:{x=y, z=w} b.test", MatchListKind.Domains);
        list.Tables.Select(t => t.ToString()).ShouldBe(["hash:/etc/excluded", "inline:{x=y, z=w}"]);
        var position = 0;
        list.Next("b.test", null, ref position).ShouldBe(new MatchStep(MatchStepKind.AskTable, 0, Negated: true));
        list.Next("b.test", null, ref position).ShouldBe(new MatchStep(MatchStepKind.AskTable, 1));
        list.Next("b.test", null, ref position).Kind.ShouldBe(MatchStepKind.Match);
    }

    [Fact]
    public void No_input_throws()
    {
        var text = Gen.OneOf(Gen.String, Gen.String["![]:/.0123456789abcdef, {}-"]);
        Gen.Select(text, text, Gen.Enum<MatchListKind>(), Gen.Bool).Sample((list, name, kind, subdomains) =>
        {
            var parsed = MatchList.Parse("x", list, kind, subdomains);
            var position = 0;
            while (parsed.Next(name, IPAddress.IPv6Loopback, ref position).Kind == MatchStepKind.AskTable)
            {
            }
        });
    }

    [Fact]
    public void The_set_says_what_the_walk_says()
    {
        var name = Gen.String["ab."].Where(s => s.Length > 0);
        Gen.Select(name.Array[9, 20], name, Gen.Bool).Sample((patterns, probe, subdomains) =>
        {
            var text = string.Join(' ', patterns);
            var withSet = MatchList.Parse("x", text, MatchListKind.Domains, subdomains);
            var withWalk = MatchList.Parse("x", text + " !unreached", MatchListKind.Domains, subdomains);
            return Match(withSet, probe) == Match(withWalk, probe);
        });
    }

    private static bool Match(MatchList list, string name, IPAddress? address = null)
    {
        var position = 0;
        return list.Next(name, address, ref position).Kind == MatchStepKind.Match;
    }
}
