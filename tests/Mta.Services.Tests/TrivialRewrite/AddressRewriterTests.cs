using Shouldly;
using Xunit;

namespace Mta.Services.Tests.TrivialRewrite;

/// <summary>Answers of Postfix 3.7's trivial-rewrite, with the addresses in internal form.</summary>
public sealed class AddressRewriterTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("foo", "foo@mx.example.org")]
    [InlineData("foo@", "foo@")]
    [InlineData("@", "")]
    [InlineData("foo@bar", "foo@bar")]
    [InlineData("foo@bar.", "foo@bar")]
    [InlineData("foo@BAR.baz", "foo@BAR.baz")]
    [InlineData("foo@bar.baz.", "foo@bar.baz")]
    [InlineData("foo@bar.baz..", "foo@bar.baz..")]
    [InlineData("site!user", "user@site")]
    [InlineData("site!user@x.y", "site!user@x.y")]
    [InlineData("a!b!c", "b!c@a")]
    [InlineData("!user", "user@")]
    [InlineData("site!", "@site")]
    [InlineData("user%dom", "user@dom")]
    [InlineData("user%dom@x.y", "user%dom@x.y")]
    [InlineData("a%b%c", "a%b@c")]
    [InlineData("user%", "user@")]
    [InlineData("a b", "a b@mx.example.org")]
    [InlineData("a b%dom", "a b%dom@mx.example.org")]
    [InlineData("a@b@c.d", "a@b@c.d")]
    [InlineData("foo@[127.0.0.1]", "foo@[127.0.0.1]")]
    [InlineData("foo.", "foo.@mx.example.org")]
    [InlineData("foo.bar", "foo.bar@mx.example.org")]
    public void Local_context_completes_with_myorigin(string address, string expected) =>
        ResolverTestBed.Create().Rewrite(address, localContext: true).ShouldBe(expected);

    [Theory]
    [InlineData("", "foo", "foo")]
    [InlineData("", "site!user", "user@site")]
    [InlineData("", "foo@bar.", "foo@bar")]
    [InlineData("remote_header_rewrite_domain = domain.invalid", "foo", "foo@domain.invalid")]
    [InlineData("remote_header_rewrite_domain = domain.invalid\nappend_dot_mydomain = yes", "foo@bar", "foo@bar.domain.invalid")]
    public void Remote_context_completes_only_with_a_domain_given_for_it(string changes, string address, string expected) =>
        ResolverTestBed.Create(changes).Rewrite(address, localContext: false).ShouldBe(expected);

    [Theory]
    [InlineData("append_dot_mydomain = yes", "foo@bar", "foo@bar.example.org")]
    [InlineData("append_dot_mydomain = yes", "foo@[bar", "foo@[bar")]
    [InlineData("append_at_myorigin = no", "foo", "foo")]
    [InlineData("swap_bangpath = no", "site!user", "site!user@mx.example.org")]
    [InlineData("allow_percent_hack = no", "user%dom", "user%dom@mx.example.org")]
    public void Follows_the_configuration(string changes, string address, string expected) =>
        ResolverTestBed.Create(changes).Rewrite(address, localContext: true).ShouldBe(expected);
}
