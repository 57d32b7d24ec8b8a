using CsCheck;
using Mta.Core.Addresses;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Addresses;

public sealed class AddressQuotingTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("user@example.com", "user@example.com")]
    [InlineData("user+ext@example.com", "user+ext@example.com")]
    [InlineData("aa bb@example.com", "\"aa bb\"@example.com")]
    [InlineData("a\"b@example.com", "\"a\\\"b\"@example.com")]
    [InlineData("a@b@example.com", "\"a@b\"@example.com")]
    [InlineData(".user@example.com", "\".user\"@example.com")]
    [InlineData("user..name@example.com", "\"user..name\"@example.com")]
    [InlineData("@example.com", "\"\"@example.com")]
    [InlineData("grüße@example.com", "grüße@example.com")]
    [InlineData("a b", "\"a b\"")]
    public void Only_what_needs_quotes_gets_them(string address, string external)
    {
        AddressQuoting.ToExternal(address).ShouldBe(external);
        AddressQuoting.ToInternal(external).ShouldBe(address);
    }

    [Fact]
    public void An_address_without_quotes_is_the_same_string()
    {
        const string address = "user@example.com";
        AddressQuoting.ToExternal(address).ShouldBeSameAs(address);
        AddressQuoting.ToInternal(address).ShouldBeSameAs(address);
    }

    [Fact]
    public void Every_internal_address_comes_back() =>
        Gen.String.Sample(address => AddressQuoting.ToInternal(AddressQuoting.ToExternal(address)) == address);

    [Fact]
    public void Every_text_can_be_unquoted() =>
        Gen.OneOf(Gen.String, Gen.String["\"\\@ab."]).Sample(text => AddressQuoting.ToInternal(text).Length <= text.Length);
}
