using Mta.Core.Addresses;
using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class AddressKeysTests
{
    private static readonly ExtensionRules Plus = new("+");

    [Theory]
    [InlineData("user+ext@example.com", false, "user+ext@example.com user@example.com @example.com")]
    [InlineData("user+ext@example.com", true, "user+ext@example.com user@example.com user+ext user @example.com")]
    [InlineData("user@example.com", true, "user@example.com user @example.com")]
    [InlineData("user", true, "user")]
    [InlineData("user+ext", true, "user+ext user")]
    [InlineData("a;b@example.com", true, "\"a;b\"@example.com \"a;b\" @example.com")]
    [InlineData("a@b@example.com", true, "\"a@b\"@example.com \"a@b\" @example.com")]
    [InlineData("", true, "")]
    public void Addresses_are_looked_up_from_special_to_general(string address, bool local, string expected) =>
        Keys(address, AddressKeyForms.Address, local).ShouldBe(expected);

    [Theory]
    [InlineData("user+ext@a.b.example", "user+ext@a.b.example user@a.b.example a.b.example .b.example .example *")]
    [InlineData("user@example", "user@example example *")]
    [InlineData("user@[192.0.2.1]", "user@[192.0.2.1] [192.0.2.1] *")]
    [InlineData("user@a.example.", "user@a.example. a.example. .example. *")]
    [InlineData("user@", "user@ *")]
    [InlineData("user", "user *")]
    public void Transports_are_looked_up_by_domain_and_its_parents(string address, string expected) =>
        Keys(address, AddressKeyForms.Transport, false).ShouldBe(expected);

    [Theory]
    [InlineData("a b+x@c", "\"a b+x\"@c a b+x@c \"a b\"@c a b@c \"a b+x\" a b+x \"a b\" a b @c")]
    [InlineData("a+x@c", "a+x@c a@c a+x a @c")]
    public void Keys_in_quotes_can_be_followed_by_the_same_without(string address, string expected) =>
        Keys(address, AddressKeyForms.AddressOrPlain, true).ShouldBe(expected);

    [Fact]
    public void Parent_domains_can_come_without_a_dot() =>
        Keys("u@a.b.c", AddressKeyForms.Domain | AddressKeyForms.ParentDomains, false).ShouldBe("a.b.c b.c c");

    [Fact]
    public void The_extension_that_a_key_left_out_is_known()
    {
        var keys = new AddressKeys("user+ext@example.com", Plus, AddressKeyForms.Address);
        keys.MoveNext();
        keys.UnmatchedExtension.ToString().ShouldBe("");
        keys.MoveNext();
        keys.Key.ShouldBe("user@example.com");
        keys.UnmatchedExtension.ToString().ShouldBe("+ext");
        keys.IsPartial.ShouldBeTrue();
    }

    private static string Keys(string address, AddressKeyForms forms, bool local)
    {
        var found = new List<string>();
        var keys = new AddressKeys(address, Plus, forms);
        while (keys.MoveNext())
        {
            if (keys.Kind == AddressKeyKind.AskDomainIsLocal)
            {
                keys.SetDomainIsLocal(local);
            }
            else
            {
                found.Add(keys.Key);
            }
        }

        return string.Join(' ', found);
    }
}
