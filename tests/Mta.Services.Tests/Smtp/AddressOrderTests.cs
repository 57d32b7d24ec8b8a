using System.Net;
using Mta.Core.Config;
using Mta.Services.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtp;

public sealed class AddressOrderTests
{
    [Fact]
    public void Preference_comes_first()
    {
        var hosts = new[] { V4(1, 30), V4(2, 10), V4(3, 20) };
        Arrange(hosts).Select(h => h.Preference).ShouldBe([10, 20, 30]);
    }

    [Fact]
    public void A_family_can_be_preferred_among_equals()
    {
        var hosts = new[] { V4(1, 10), V6(2, 10), V4(3, 10), V6(4, 5) };
        Arrange(hosts, ("smtp_address_preference", "ipv6")).Select(h => h.IsIPv6).ShouldBe([true, true, false, false]);
        Arrange(hosts, ("smtp_address_preference", "ipv4")).Select(h => h.IsIPv6).ShouldBe([true, false, false, true]);
    }

    [Fact]
    public void Both_families_have_their_share_of_the_limit()
    {
        HostAddress[] hosts = [.. Enumerable.Range(1, 10).Select(i => V6(i, 10)), .. Enumerable.Range(11, 10).Select(i => V4(i, 20))];
        var balanced = Arrange(hosts);
        balanced.Count.ShouldBe(5);
        balanced.Count(h => h.IsIPv6).ShouldBe(3);
        Arrange(hosts, ("smtp_balance_inet_protocols", "no")).ShouldAllBe(h => h.IsIPv6);
        Arrange([.. hosts[..10], V4(1, 20)]).Count(h => !h.IsIPv6).ShouldBe(1);
    }

    [Fact]
    public void Without_randomisation_the_order_is_kept()
    {
        var hosts = Enumerable.Range(1, 5).Select(i => V4(i, 10)).ToArray();
        Arrange(hosts, ("smtp_randomize_addresses", "no")).ShouldBe(hosts);
    }

    private static IReadOnlyList<HostAddress> Arrange(HostAddress[] hosts, params (string Name, string Value)[] mainCf) =>
        AddressOrder.Arrange(hosts, new RoutingOptions(new Settings(mainCf.Select(v => new KeyValuePair<string, string>(v.Name, v.Value))), lmtp: false));

    private static HostAddress V4(int last, int preference) => HostAddress.Tcp("h", new IPAddress([192, 0, 2, (byte)last]), 25, preference);

    private static HostAddress V6(int last, int preference) => HostAddress.Tcp("h", IPAddress.Parse($"2001:db8::{last}"), 25, preference);
}
