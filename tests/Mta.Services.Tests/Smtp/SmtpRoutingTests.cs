using System.Net;
using Mta.Core.Delivery;
using Mta.Services.Smtp;
using Mta.Testing;
using Shouldly;
using Xunit;
using static Mta.Services.Tests.Smtp.SmtpScenario;

namespace Mta.Services.Tests.Smtp;

/// <summary>Hosts on 127.0.0.2 and so on, all on one port, with a name server that knows them.</summary>
public sealed class SmtpRoutingTests : IAsyncLifetime
{
    private DnsServer? dns;

    private DnsServer Dns => dns!;

    public async ValueTask InitializeAsync() => dns = await DnsServer.StartAsync(
        "two.test MX 10 first.two.test", "two.test MX 20 second.two.test", "first.two.test A 127.0.0.2", "second.two.test A 127.0.0.3",
        "three.test MX 10 first.two.test", "three.test MX 20 second.two.test", "three.test MX 30 third.three.test", "third.three.test A 127.0.0.4",
        "plain.test A 127.0.0.2",
        "null.test MX 0 .",
        "nomx.test TXT hello",
        "lost.test MX 10 gone.lost.test",
        "half.test MX 10 x.broken.test", "half.test MX 20 gone.lost.test",
        "equal.test MX 10 first.two.test", "equal.test MX 10 second.two.test",
        "dual.test AAAA ::1", "dual.test A 127.0.0.2");

    public ValueTask DisposeAsync() => Dns.DisposeAsync();

    [Fact]
    public async Task The_best_exchanger_is_taken()
    {
        await using var first = new ScriptedServer(IPAddress.Parse("127.0.0.2"));
        await using var second = new ScriptedServer(IPAddress.Parse("127.0.0.3"), first.Port);
        using var scenario = new SmtpScenario(Dns.MainCf);
        for (var i = 0; i < 5; i++)
        {
            var status = await scenario.DeliverAsync($"two.test:{first.Port}");
            status.Relay.ShouldBe($"first.two.test[127.0.0.2]:{first.Port}");
            status.RemoteMta.ShouldBe("first.two.test");
        }

        second.Connections.ShouldBe(0);
        first.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task The_next_exchanger_is_tried_when_nobody_listens_at_the_first()
    {
        await using var second = new ScriptedServer(IPAddress.Parse("127.0.0.3"));
        using var scenario = new SmtpScenario(Dns.MainCf);
        var status = await scenario.DeliverAsync($"two.test:{second.Port}");
        status.Action.ShouldBe(DeliveryAction.Sent);
        status.Relay.ShouldBe($"second.two.test[127.0.0.3]:{second.Port}");
        scenario.Log.ShouldHaveSingleItem().ShouldBe($"smtp: connect to first.two.test[127.0.0.2]:{second.Port}: Connection refused");
        scenario.DestinationFailures.ShouldBeEmpty();

        // The next message asks for the first again, and finds a connection to the second.
        (await scenario.DeliverAsync($"two.test:{second.Port}")).ConnectionUse.ShouldBe(2);
        scenario.Log.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("greeting", "554 no")]
    [InlineData("MAIL", "451 later")]
    [InlineData("RCPT", "450 later")]
    [InlineData("DATA", "drop")]
    public async Task The_next_exchanger_is_tried_after_a_temporary_failure(string where, string reply)
    {
        await using var first = new ScriptedServer(IPAddress.Parse("127.0.0.2"))
        {
            Greeting = where == "greeting" ? reply : "220 x",
            Reply = line => line.StartsWith(where, StringComparison.Ordinal) ? reply : null,
        };
        await using var second = new ScriptedServer(IPAddress.Parse("127.0.0.3"), first.Port);
        using var scenario = new SmtpScenario(Dns.MainCf);
        await scenario.DeliverAsync($"two.test:{first.Port}", recipients: [To("a@x.test"), To("b@x.test")]);
        scenario.Statuses.Values.ShouldAllBe(s => s.Action == DeliveryAction.Sent && s.Relay.StartsWith("second", StringComparison.Ordinal));
        second.Messages.Count.ShouldBe(1);
        scenario.Log.ShouldNotBeEmpty();
        scenario.Log.ShouldAllBe(line => line.StartsWith($"smtp: {scenario.QueueId}: ", StringComparison.Ordinal)
            && line.Contains("first.two.test[127.0.0.2]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Domains_with_the_same_exchanger_share_its_connections()
    {
        await using var first = new ScriptedServer(IPAddress.Parse("127.0.0.2"));
        using var scenario = new SmtpScenario(Dns.MainCf);
        (await scenario.DeliverAsync($"two.test:{first.Port}")).ConnectionUse.ShouldBe(1);
        (await scenario.DeliverAsync($"three.test:{first.Port}")).ConnectionUse.ShouldBe(2);
        (await scenario.DeliverAsync($"[first.two.test]:{first.Port}")).ConnectionUse.ShouldBe(3);
        first.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task Only_the_recipients_that_are_left_go_to_the_next_exchanger()
    {
        await using var first = new ScriptedServer(IPAddress.Parse("127.0.0.2"))
        {
            Reply = line => line.Contains("b@", StringComparison.Ordinal) ? "450 no" : line.Contains("c@", StringComparison.Ordinal) ? "550 no" : null,
        };
        await using var second = new ScriptedServer(IPAddress.Parse("127.0.0.3"), first.Port);
        using var scenario = new SmtpScenario(Dns.MainCf);
        await scenario.DeliverAsync($"two.test:{first.Port}", recipients: [To("a@x.test"), To("b@x.test"), To("c@x.test")]);
        scenario.Statuses["a@x.test"].Relay.ShouldStartWith("first");
        scenario.Statuses["b@x.test"].Relay.ShouldStartWith("second");
        scenario.Statuses["c@x.test"].Action.ShouldBe(DeliveryAction.Bounced);
        second.Commands.Count(c => c.StartsWith("RCPT", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Sessions_and_addresses_have_limits()
    {
        await using var first = new ScriptedServer(IPAddress.Parse("127.0.0.2")) { Reply = Later };
        await using var second = new ScriptedServer(IPAddress.Parse("127.0.0.3"), first.Port) { Reply = Later };
        await using var third = new ScriptedServer(IPAddress.Parse("127.0.0.4"), first.Port);
        using (var scenario = new SmtpScenario(Dns.MainCf))
        {
            (await scenario.DeliverAsync($"three.test:{first.Port}")).Text.ShouldContain("second.two.test[127.0.0.3] said: 451");
            third.Connections.ShouldBe(0);
        }

        using (var scenario = new SmtpScenario(Dns.MainCf + "smtp_mx_session_limit = 0"))
        {
            (await scenario.DeliverAsync($"three.test:{first.Port}")).Action.ShouldBe(DeliveryAction.Sent);
        }

        using (var scenario = new SmtpScenario(Dns.MainCf + "smtp_mx_session_limit = 0\nsmtp_mx_address_limit = 1"))
        {
            (await scenario.DeliverAsync($"three.test:{first.Port}")).Text.ShouldContain("first.two.test[127.0.0.2] said: 451");
        }

        static string? Later(string line) => line.StartsWith("MAIL", StringComparison.Ordinal) ? "451 later" : null;
    }

    [Fact]
    public async Task Equal_exchangers_share_the_load()
    {
        await using var first = new ScriptedServer(IPAddress.Parse("127.0.0.2"));
        await using var second = new ScriptedServer(IPAddress.Parse("127.0.0.3"), first.Port);
        using var scenario = new SmtpScenario(Dns.MainCf + "smtp_connection_cache_on_demand = no");
        for (var i = 0; i < 200 && (first.Connections == 0 || second.Connections == 0); i++)
        {
            await scenario.DeliverAsync($"equal.test:{first.Port}");
        }

        first.Connections.ShouldBeGreaterThan(0);
        second.Connections.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_name_without_exchanger_is_its_own()
    {
        await using var server = new ScriptedServer(IPAddress.Parse("127.0.0.2"));
        using var scenario = new SmtpScenario(Dns.MainCf);
        (await scenario.DeliverAsync($"plain.test:{server.Port}")).Relay.ShouldBe($"plain.test[127.0.0.2]:{server.Port}");
        (await scenario.DeliverAsync($"[first.two.test]:{server.Port}")).Relay.ShouldBe($"first.two.test[127.0.0.2]:{server.Port}");
    }

    [Fact]
    public async Task Both_address_families_are_tried()
    {
        await using var server = new ScriptedServer(IPAddress.IPv6Loopback);
        using var scenario = new SmtpScenario(Dns.MainCf + "inet_protocols = all\nsmtp_address_preference = ipv6");
        (await scenario.DeliverAsync($"dual.test:{server.Port}")).Relay.ShouldBe($"dual.test[::1]:{server.Port}");
        (await scenario.DeliverAsync($"[ipv6:::1]:{server.Port}")).Relay.ShouldBe($"::1[::1]:{server.Port}");
        (await scenario.DeliverAsync($"[::1]:{server.Port}")).Action.ShouldBe(DeliveryAction.Sent);
    }

    [Theory]
    [InlineData("null.test", DeliveryAction.Bounced, "5.1.0", "Domain null.test does not accept mail (nullMX)")]
    [InlineData("nowhere.test", DeliveryAction.Bounced, "5.4.4", "Host or domain name not found. Name service error for name=nowhere.test type=A: Host not found")]
    [InlineData("nomx.test", DeliveryAction.Bounced, "5.4.4", "Host or domain name not found. Name service error for name=nomx.test type=A: Host found but no data record of requested type")]
    [InlineData("lost.test", DeliveryAction.Bounced, "5.4.4", "Host or domain name not found. Name service error for name=gone.lost.test type=A: Host not found")]
    [InlineData("half.test", DeliveryAction.Deferred, "4.4.3", "Host or domain name not found. Name service error for name=x.broken.test type=A: Host not found, try again")]
    [InlineData("a..b.test", DeliveryAction.Bounced, "5.4.4", "Name service error for a..b.test: invalid host or domain name")]
    [InlineData("x.broken.test", DeliveryAction.Deferred, "4.4.3", "Host or domain name not found. Name service error for name=x.broken.test type=MX: Host not found, try again")]
    [InlineData("[x.broken.test]", DeliveryAction.Deferred, "4.4.3", "Host or domain name not found. Name service error for name=x.broken.test type=A: Host not found, try again")]
    public async Task Names_that_lead_nowhere(string nexthop, DeliveryAction action, string dsn, string text)
    {
        using var scenario = new SmtpScenario(Dns.MainCf);
        var status = await scenario.DeliverAsync(nexthop);
        status.Action.ShouldBe(action);
        status.Dsn.ShouldBe(dsn);
        status.Text.ShouldBe(text);
        status.Relay.ShouldBe("none");
        scenario.DestinationFailures.Count.ShouldBe(action == DeliveryAction.Deferred ? 1 : 0);
    }

    [Fact]
    public async Task Destinations_of_a_list_are_tried_in_order_and_the_fallback_relay_last()
    {
        await using var server = new ScriptedServer(IPAddress.Parse("127.0.0.4"));
        using (var scenario = new SmtpScenario(Dns.MainCf))
        {
            (await scenario.DeliverAsync($"nowhere.test, [127.0.0.4]:{server.Port}")).Action.ShouldBe(DeliveryAction.Sent);
        }

        using (var scenario = new SmtpScenario(Dns.MainCf + $"smtp_fallback_relay = [127.0.0.4]:{server.Port}"))
        {
            (await scenario.DeliverAsync("nowhere.test")).Action.ShouldBe(DeliveryAction.Sent);
            (await scenario.DeliverAsync("null.test")).Dsn.ShouldBe("5.1.0");
        }
    }

    [Fact]
    public async Task Mail_that_would_come_back_is_not_sent()
    {
        await using var first = new ScriptedServer(IPAddress.Parse("127.0.0.2"));
        var port = first.Port;
        using (var scenario = new SmtpScenario(Dns.MainCf, own: new OwnEndpoints([IPAddress.Parse("127.0.0.2")], [port])))
        {
            var status = await scenario.DeliverAsync($"two.test:{port}");
            status.Action.ShouldBe(DeliveryAction.Bounced);
            status.Dsn.ShouldBe("5.4.6");
            status.Text.ShouldBe("mail for two.test loops back to myself");
            (await scenario.DeliverAsync($"[127.0.0.2]:{port}")).Dsn.ShouldBe("5.4.6");
        }

        using (var scenario = new SmtpScenario(Dns.MainCf, own: new OwnEndpoints([IPAddress.Parse("127.0.0.3")], [port])))
        {
            (await scenario.DeliverAsync($"two.test:{port}")).Relay.ShouldStartWith("first");
        }
    }

    [Fact]
    public async Task A_mail_exchanger_with_our_own_name_is_a_loop()
    {
        await using var server = new ScriptedServer(IPAddress.Parse("127.0.0.2"));
        using var scenario = new SmtpScenario(Dns.MainCf + "myhostname = mx.test", own: new OwnEndpoints([], [server.Port]));
        var status = await scenario.DeliverAsync($"two.test:{server.Port}");
        status.Dsn.ShouldBe("5.4.6");
        scenario.Log.ShouldContain("smtp: warning: host first.two.test[127.0.0.2] replied to HELO/EHLO with my own hostname mx.test");
    }
}
