using Mta.Core.Addresses;
using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

/// <summary>Keys in the order in which tables are asked; those that are a part of what is looked for are in parentheses.</summary>
public sealed class LookupKeysTests
{
    [Theory]
    [InlineData("mail.example.com", false, "mail.example.com (example.com) (com)")]
    [InlineData("mail.example.com", true, "mail.example.com (.example.com) (.com)")]
    [InlineData("mail.example.", false, "mail.example. (example.)")]
    [InlineData("unknown", false, "unknown")]
    [InlineData(".com", false, ".com (com)")]
    [InlineData("[192.0.2.1]", false, "[192.0.2.1]")]
    public void A_domain_and_its_parents(string name, bool withDots, string keys) => Walk(new DomainKeys(name, withDots)).ShouldBe(keys);

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1 (192.0.2) (192.0) (192)")]
    [InlineData("2001:db8::1", "2001:db8::1 (2001:db8) (2001)")]
    [InlineData("::1", "::1")]
    public void An_address_and_its_networks(string address, string keys) => Walk(new NetworkKeys(address)).ShouldBe(keys);

    [Theory]
    [InlineData("user+ext@example.com", "(user+ext@) (user@)")]
    [InlineData("user@example.com", "(user@)")]
    [InlineData("user", "")]
    [InlineData("@example.com", "")]
    public void A_local_part_without_the_domain(string address, string keys) => Walk(new LocalPartKeys(address, new ExtensionRules("+"))).ShouldBe(keys);

    [Theory]
    [InlineData("a.example.com", true, false, "192.0.2.1", "a.example.com (example.com) (com) 192.0.2.1")]
    [InlineData("a.example.com", true, true, "", "a.example.com (.example.com) (.com)")]
    [InlineData("user.name", false, false, "", "user.name")]
    [InlineData("", true, false, "192.0.2.1", "192.0.2.1")]
    [InlineData("", true, false, "", "")]
    public void A_name_and_address_of_a_match_list(string name, bool parents, bool withDots, string address, string keys) =>
        Walk(new MatchKeys(name, parents, withDots, address)).ShouldBe(keys);

    [Fact]
    public void One_search_follows_the_other() =>
        Walk(new ChainedKeys<DomainKeys, NetworkKeys>(new("a.b", withDots: false), new("10.1.2.3")))
            .ShouldBe("a.b (b) 10.1.2.3 (10.1.2) (10.1) (10)");

    [Fact]
    public void All_keys_that_an_address_may_have() =>
        Walk(new AddressKeys("user+x@example.com", new ExtensionRules("+"), AddressKeyForms.Address))
            .ShouldBe("user+x@example.com (user@example.com) (user+x) (user) (@example.com)");

    private static string Walk<TKeys>(TKeys keys)
        where TKeys : struct, ILookupKeys
    {
        var walked = new List<string>();
        while (keys.MoveNext())
        {
            walked.Add(keys.IsPartial ? $"({keys.Key})" : keys.Key);
        }

        return string.Join(' ', walked);
    }
}
