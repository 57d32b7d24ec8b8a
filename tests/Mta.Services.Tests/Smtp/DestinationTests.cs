using System.Net;
using Mta.Core.Config;
using Mta.Services.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtp;

public sealed class DestinationTests
{
    private static readonly RoutingOptions Options = new(new Settings([new("queue_directory", "/spool")]), lmtp: false);

    [Theory]
    [InlineData("x.test", "x.test", 25, "Domain", null)]
    [InlineData("x.test:26", "x.test", 26, "Domain", null)]
    [InlineData("x.test:submission", "x.test", 587, "Domain", null)]
    [InlineData("[mx.x.test]", "mx.x.test", 25, "Host", null)]
    [InlineData("[mx.x.test]:2525", "mx.x.test", 2525, "Host", null)]
    [InlineData("[192.0.2.1]", "192.0.2.1", 25, "Host", "192.0.2.1")]
    [InlineData("[ipv6:2001:db8::1]:26", "ipv6:2001:db8::1", 26, "Host", "2001:db8::1")]
    [InlineData("[2001:db8::1]", "2001:db8::1", 25, "Host", "2001:db8::1")]
    public void Forms_of_a_next_hop(string text, string host, int port, string kind, string? address)
    {
        var (destinations, error) = Destination.ParseList(text, Options, lmtp: false);
        error.ShouldBeNull();
        destinations.ShouldBe([new Destination(host, port, Enum.Parse<DestinationKind>(kind), address is null ? null : IPAddress.Parse(address))]);
    }

    [Theory]
    [InlineData("inet:x.test:24", "x.test", 24, "Host")]
    [InlineData("x.test", "x.test", 25, "Host")]
    [InlineData("unix:public/dovecot", "/spool/public/dovecot", 0, "UnixSocket")]
    [InlineData("unix:/run/lmtp", "/run/lmtp", 0, "UnixSocket")]
    public void Forms_of_an_LMTP_next_hop(string text, string host, int port, string kind) =>
        Destination.ParseList(text, Options, lmtp: true).Destinations.ShouldBe([new Destination(host, port, Enum.Parse<DestinationKind>(kind), null)]);

    [Fact]
    public void A_list_has_several() =>
        Destination.ParseList("a.test, [b.test]:26 c.test", Options, lmtp: false).Destinations.Select(d => d.Host).ShouldBe(["a.test", "b.test", "c.test"]);

    [Theory]
    [InlineData("")]
    [InlineData("[x.test")]
    [InlineData("[x.test]25")]
    [InlineData(":25")]
    [InlineData("x.test:nosuchservice")]
    [InlineData("x.test:70000")]
    public void Nonsense_has_an_error(string text) => Destination.ParseList(text, Options, lmtp: false).Error.ShouldNotBeNull();
}
