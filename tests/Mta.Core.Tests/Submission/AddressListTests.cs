using Mta.Core.Submission;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Submission;

public sealed class AddressListTests
{
    [Theory]
    [InlineData("bob", "bob")]
    [InlineData("bob@example.com", "bob@example.com")]
    [InlineData(" bob@example.com , carol@example.org", "bob@example.com|carol@example.org")]
    [InlineData("Bob <bob@example.com>, \"Carol, C.\" <carol@example.org>", "bob@example.com|carol@example.org")]
    [InlineData("bob@example.com (Bob, (nested) \\) name), (only) carol@example.org", "bob@example.com|carol@example.org")]
    [InlineData("friends: a@x, b <b@y>; c@z", "a@x|b@y|c@z")]
    [InlineData("undisclosed-recipients:;", "")]
    [InlineData("\"a b\"@example.com", "a b@example.com")]
    [InlineData("\"a\\\"b\"@example.com", "a\"b@example.com")]
    [InlineData("<@relay,@other:bob@example.com>", "bob@example.com")]
    [InlineData("bob@[127.0.0.1]", "bob@[127.0.0.1]")]
    [InlineData("bob@[IPv6:::1], x", "bob@[IPv6:::1]|x")]
    [InlineData("a@b c@d", "a@b|c@d")]
    [InlineData("Bob Smith <bob@example.com>", "bob@example.com")]
    [InlineData("Bob J. Smith <bob@example.com>", "bob@example.com")]
    [InlineData("bob . smith @ example.com", "bob.smith@example.com")]
    [InlineData("<bob@example.com", "<bob@example.com")]
    [InlineData("a@x, (comment), <b@x> \"c d\"@x e", "a@x|b@x|c d@x|e")]
    [InlineData(":include:/tmp/x", ":include:/tmp/x")]
    [InlineData("a:b@x", "a:b@x")]
    [InlineData("a;b@x", "a|b@x")]
    [InlineData("\"half quoted@x", "half quoted@x")]
    [InlineData("user@[192.0.2.1", "user@[192.0.2.1]")]
    [InlineData("a)", "a)")]
    [InlineData(")", ")")]
    [InlineData("<", "<")]
    [InlineData("(only a comment)", "")]
    [InlineData("bob@example.com>", "")]
    [InlineData("<>", "")]
    [InlineData(",,;", "")]
    [InlineData("", "")]
    [InlineData("a+b=c@example.com", "a+b=c@example.com")]
    [InlineData("user%example.org@example.com", "user%example.org@example.com")]
    [InlineData("jörg@exämple.de", "jörg@exämple.de")]
    [InlineData("(", "")]
    [InlineData("\"", "")]
    [InlineData("[", "[]")]
    public void Takes_the_addresses_out_of_a_list(string text, string addresses)
    {
        string.Join('|', AddressList.Parse(text)).ShouldBe(addresses);
    }

    [Theory]
    [InlineData("<>", 1)]
    [InlineData("\"\"", 1)]
    [InlineData("a, <>", 2)]
    [InlineData(",", 0)]
    [InlineData(">", 0)]
    [InlineData("undisclosed-recipients:;", 0)]
    [InlineData("(comment)", 0)]
    public void An_empty_address_is_one_and_no_address_is_none(string text, int count) => AddressList.Parse(text).Count.ShouldBe(count);

    [Theory]
    [InlineData("\"a@b\"", true)]
    [InlineData("\"a b\"@c", false)]
    [InlineData("\"half quoted@x", true)]
    [InlineData("a", false)]
    public void Tells_quoted_local_parts_without_a_domain(string text, bool quoted) =>
        AddressList.Read(text).ShouldHaveSingleItem().QuotedLocalPart.ShouldBe(quoted);
}
