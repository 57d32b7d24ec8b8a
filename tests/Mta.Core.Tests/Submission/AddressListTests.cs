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
    [InlineData("<bob@example.com", "bob@example.com")]
    [InlineData("bob@example.com>", "")]
    [InlineData("<>", "")]
    [InlineData(",,;", "")]
    [InlineData("", "")]
    [InlineData("a+b=c@example.com", "a+b=c@example.com")]
    [InlineData("user%example.org@example.com", "user%example.org@example.com")]
    [InlineData("jörg@exämple.de", "jörg@exämple.de")]
    [InlineData("(", "")]
    [InlineData("\"", "")]
    [InlineData("[", "[")]
    public void Takes_the_addresses_out_of_a_list(string text, string addresses)
    {
        string.Join('|', AddressList.Parse(text)).ShouldBe(addresses);
    }
}
