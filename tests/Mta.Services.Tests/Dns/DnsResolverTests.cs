using System.Net;
using Mta.Services.Dns;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Dns;

/// <summary>Against an unbound of its own.</summary>
public sealed class DnsResolverTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Name_servers_and_texts_are_read_and_failures_told_apart()
    {
        await using var server = await DnsServer.StartAsync(
            "zone.test NS ns1.zone.test", "zone.test NS ns2.zone.test", "zone.test TXT \"first\" \"second\"", "zone.test TXT other");
        var dns = new DnsResolver([new IPEndPoint(server.Address, server.Port)]);
        var servers = await dns.FindNameServersAsync("zone.test", Token);
        servers.Status.ShouldBe(DnsStatus.Found);
        servers.Records.Order().ShouldBe(["ns1.zone.test", "ns2.zone.test"]);
        (await dns.FindTextsAsync("zone.test", Token)).Records.Order().ShouldBe(["first", "other"]);
        (await dns.FindTextsAsync("nowhere.test", Token)).Status.ShouldBe(DnsStatus.NotFound);
        (await dns.FindNameServersAsync("x.broken.test", Token)).Status.ShouldBe(DnsStatus.TryAgain);
        (await dns.FindMailExchangersAsync("zone.test", Token)).Status.ShouldBe(DnsStatus.NoData);
    }

    [Fact]
    public async Task An_alias_that_the_server_does_not_follow_is_followed()
    {
        await using var server = await DnsServer.StartAsync(
            "alias.test CNAME real.test", "real.test A 192.0.2.1", "lost.test CNAME nowhere.test", "one.test CNAME two.test", "two.test CNAME one.test");
        var dns = new DnsResolver([new IPEndPoint(server.Address, server.Port)]);
        (await dns.FindAddressesAsync("alias.test", ipv6: false, Token)).Records.ShouldBe([IPAddress.Parse("192.0.2.1")]);
        (await dns.FindAddressesAsync("alias.test", ipv6: true, Token)).Status.ShouldBe(DnsStatus.NoData);
        (await dns.FindAddressesAsync("lost.test", ipv6: false, Token)).Status.ShouldBe(DnsStatus.NotFound);
        (await dns.FindAddressesAsync("one.test", ipv6: false, Token)).Status.ShouldBe(DnsStatus.TryAgain);
    }
}
