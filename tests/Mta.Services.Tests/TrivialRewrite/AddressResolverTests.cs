using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.TrivialRewrite;

/// <summary>Answers of Postfix 3.7's trivial-rewrite for the configuration of <see cref="ResolverTestBed"/>.</summary>
public sealed class AddressResolverTests
{
    [Theory]
    [InlineData("s@x.example", "u@far.example", "Default smtp:far.example u@far.example")]
    [InlineData("s@x.example", "u@FAR.example", "Default smtp:FAR.example u@FAR.example")]
    [InlineData("s@x.example", "u@far.example.", "Default smtp:far.example u@far.example")]
    [InlineData("s@x.example", "u@far.example..", "bad u@far.example..")]
    [InlineData("s@x.example", "u", "Local local:mx.example.org u@mx.example.org")]
    [InlineData("s@x.example", "", "Local local:mx.example.org MAILER-DAEMON@mx.example.org")]
    [InlineData("s@x.example", "@", "bad MAILER-DAEMON@")]
    [InlineData("s@x.example", "u@", "bad u@")]
    [InlineData("s@x.example", "@local.example", "Local local:mx.example.org MAILER-DAEMON@local.example")]
    [InlineData("s@x.example", "@far.example", "Default smtp:far.example @far.example")]
    [InlineData("s@x.example", "u@local.example", "Local local:mx.example.org u@local.example")]
    [InlineData("s@x.example", "U+E@LOCAL.example", "Local local:mx.example.org U+E@LOCAL.example")]
    [InlineData("s@x.example", "u@mx.example.org", "Local local:mx.example.org u@mx.example.org")]
    [InlineData("s@x.example", "u@localhost", "Local local:mx.example.org u@localhost")]
    [InlineData("s@x.example", "u@[127.0.0.1]", "Local local:mx.example.org u@[127.0.0.1]")]
    [InlineData("s@x.example", "u@[192.0.2.1]", "Default smtp:[192.0.2.1] u@[192.0.2.1]")]
    [InlineData("s@x.example", "u@127.0.0.1", "bad u@127.0.0.1")]
    [InlineData("s@x.example", "u@192.0.2.1", "bad u@192.0.2.1")]
    [InlineData("s@x.example", "u@[ipv6:::1]", "Default smtp:[ipv6:::1] u@[ipv6:::1]")]
    [InlineData("s@x.example", "u@[ipv6:2001:db8::1]", "Default smtp:[ipv6:2001:db8::1] u@[ipv6:2001:db8::1]")]
    [InlineData("s@x.example", "u@[bogus]", "bad u@[bogus]")]
    [InlineData("s@x.example", "u@-bad.example", "bad u@-bad.example")]
    [InlineData("s@x.example", "u@bad_.example", "Default smtp:bad_.example u@bad_.example")]
    [InlineData("s@x.example", "u@a..b", "bad u@a..b")]
    [InlineData("s@x.example", "a%b@local.example", "Default smtp:b a@b")]
    [InlineData("s@x.example", "a%far.example@local.example", "Default smtp:far.example a@far.example")]
    [InlineData("s@x.example", "a%far.example@far2.example", "Default smtp:far2.example a%far.example@far2.example routed")]
    [InlineData("s@x.example", "far.example!a@local.example", "Default smtp:far.example a@far.example")]
    [InlineData("s@x.example", "far.example!a", "Default smtp:far.example a@far.example")]
    [InlineData("s@x.example", "a%far.example", "Default smtp:far.example a@far.example")]
    [InlineData("s@x.example", "a@far.example@local.example", "Default smtp:far.example a@far.example")]
    [InlineData("s@x.example", "a@far.example@far2.example", "Default smtp:far2.example a@far.example@far2.example routed")]
    [InlineData("s@x.example", "a%b%c@local.example", "Default smtp:c a%b@c routed")]
    [InlineData("s@x.example", "x!y%z@local.example", "Default smtp:x y%z@x routed")]
    [InlineData("s@x.example", "a%@local.example", "bad a@")]
    [InlineData("s@x.example", "%b@local.example", "Default smtp:b @b")]
    [InlineData("s@x.example", "!b@local.example", "bad b@")]
    [InlineData("s@x.example", "b!@local.example", "Default smtp:b @b")]
    [InlineData("s@x.example", "a b@local.example", "Local local:mx.example.org a b@local.example")]
    [InlineData("s@x.example", "a b@far.example", "Default smtp:far.example a b@far.example")]
    [InlineData("s@x.example", "a\"b@far.example", "Default smtp:far.example a\"b@far.example")]
    [InlineData("s@x.example", "a b%far.example@local.example", "Default smtp:far.example a b@far.example")]
    [InlineData("s@x.example", "a.b.@far.example", "Default smtp:far.example a.b.@far.example")]
    [InlineData("s@x.example", "a..b@far.example", "Default smtp:far.example a..b@far.example")]
    [InlineData("s@x.example", "a@valias.example", "VirtualAlias error:5.1.1 User unknown in virtual alias table a@valias.example")]
    [InlineData("s@x.example", "a@VALIAS.example", "VirtualAlias error:5.1.1 User unknown in virtual alias table a@VALIAS.example")]
    [InlineData("s@x.example", "y@valias.example", "VirtualAlias error:5.1.1 User unknown in virtual alias table y@valias.example")]
    [InlineData("s@x.example", "a@vbox.example", "VirtualMailbox virtual:vbox.example a@vbox.example")]
    [InlineData("s@x.example", "z@vbox.example", "VirtualMailbox smtp:viaz z@vbox.example")]
    [InlineData("s@x.example", "a@relay.example", "Relay relay:relay.example a@relay.example")]
    [InlineData("s@x.example", "a@sub.relay.example", "Relay relay:sub.relay.example a@sub.relay.example")]
    [InlineData("s@x.example", "a@t.example", "Default smtp:[127.0.0.9]:2525 a@t.example")]
    [InlineData("s@x.example", "u@t.example", "Default smtp:nh.example u@t.example")]
    [InlineData("s@x.example", "u+e@t.example", "Default smtp:nh.example u+e@t.example")]
    [InlineData("s@x.example", "a@sub.t.example", "Default relay:sub.t.example a@sub.t.example")]
    [InlineData("s@x.example", "a@a.sub.t.example", "Default relay:a.sub.t.example a@a.sub.t.example")]
    [InlineData("s@x.example", "a@n.example", "Default error:5.7.1 no mail a@n.example")]
    [InlineData("s@x.example", "a@empty.example", "Default smtp:empty.example a@empty.example")]
    [InlineData("s@x.example", "a@slow.local.example", "Default slow:slow.local.example a@slow.local.example")]
    [InlineData("s@x.example", "x@local.example", "Local smtp:viax x@local.example")]
    [InlineData("s@x.example", "x+e@local.example", "Local smtp:viax x+e@local.example")]
    [InlineData("s@x.example", "gone@local.example", "Local error:5.1.6 User has moved to new@far.example gone@local.example")]
    [InlineData("s@x.example", "gone+x@local.example", "Local error:5.1.6 User has moved to new@far.example gone+x@local.example")]
    [InlineData("s@x.example", "moved@local.example", "Local error:5.1.6 User has moved to there@far.example moved@local.example")]
    [InlineData("s@x.example", "moved@far.example", "Default smtp:far.example moved@far.example")]
    [InlineData("s@sdr.example", "u@far.example", "Default smtp:[sdr-user] u@far.example")]
    [InlineData("d@sdr.example", "u@far.example", "Default smtp:far.example u@far.example")]
    [InlineData("e@sdr.example", "u@far.example", "Default smtp:[sdr-dom] u@far.example")]
    [InlineData("s+e@sdr.example", "u@far.example", "Default smtp:[sdr-user] u@far.example")]
    [InlineData("s@sdr.example", "u@relay.example", "Relay relay:[sdr-user] u@relay.example")]
    [InlineData("s@sdr.example", "u@local.example", "Local local:mx.example.org u@local.example")]
    [InlineData("s@sdr.example", "u@t.example", "Default smtp:nh.example u@t.example")]
    [InlineData("s@sdt.example", "u@far.example", "Default relay:sdtnh u@far.example")]
    [InlineData("e@sdt.example", "u@far.example", "Default smtp:far.example u@far.example")]
    [InlineData("e@sdt2.example", "u@far.example", "Default lmtp:far.example u@far.example")]
    [InlineData("s@sdt.example", "u@relay.example", "Relay relay:relay.example u@relay.example")]
    [InlineData("", "u@relay.example", "Relay relay:[nullrelay] u@relay.example")]
    [InlineData("s@x.example", "u@münchen.example", "Default smtp:münchen.example u@münchen.example")]
    [InlineData("s@x.example", "ü@far.example", "Default smtp:far.example ü@far.example")]
    [InlineData("s@x.example", "user@far.example:25", "bad user@far.example:25")]
    [InlineData("s@x.example", "postmaster", "Local local:mx.example.org postmaster@mx.example.org")]
    [InlineData("s@x.example", "u@sub.local.example", "Default smtp:sub.local.example u@sub.local.example")]
    [InlineData("s@x.example", "u@localhost.example.org", "Local local:mx.example.org u@localhost.example.org")]
    [InlineData("s@x.example", "a@b@c@local.example", "Default smtp:c a@b@c routed")]
    [InlineData("s@x.example", "\"x\"@far.example", "Default smtp:far.example \"x\"@far.example")]
    [InlineData("s@x.example", "@a,@b:c@local.example", "Local local:mx.example.org c@mx.example.org")]
    [InlineData("s@x.example", "@b:c@local.example", "Local local:mx.example.org c@mx.example.org")]
    [InlineData("s@x.example", "u@far example", "bad u@far example")]
    [InlineData("s@x.example", "u@[127.0.0.1].", "Local local:mx.example.org u@[127.0.0.1]")]
    [InlineData("s@x.example", "u@1.2.3", "bad u@1.2.3")]
    [InlineData("s@x.example", "u@[::1]", "bad u@[::1]")]
    [InlineData("s@x.example", "u@com", "Default smtp:com u@com")]
    [InlineData("s@x.example", "u@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example", "bad u@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example")]
    public async Task Resolves_as_Postfix_does(string sender, string recipient, string expected) =>
        Describe(await ResolverTestBed.Create().ResolveAsync(sender, recipient, TestContext.Current.CancellationToken)).ShouldBe(expected);

    [Theory]
    [InlineData("local_transport = local", "x@x.y", "u@local.example", "Local local:local.example u@local.example")]
    [InlineData("local_transport = local", "x@x.y", "u", "Local local:mx.example.org u@mx.example.org")]
    [InlineData("local_transport = lmtp:unix:/x/y", "x@x.y", "u", "Local lmtp:unix:/x/y u@mx.example.org")]
    [InlineData("relayhost = [rh.example]", "x@x.y", "u@far.example", "Default smtp:[rh.example] u@far.example")]
    [InlineData("relayhost = [rh.example]", "x@x.y", "u@relay.example", "Relay relay:[rh.example] u@relay.example")]
    [InlineData("relayhost = [rh.example]\nrelay_transport = relay:rnh", "x@x.y", "u@relay.example", "Relay relay:rnh u@relay.example")]
    [InlineData("relayhost = [rh.example]\nvirtual_transport = lmtp:vnh", "x@x.y", "u@vbox.example", "VirtualMailbox lmtp:vnh u@vbox.example")]
    [InlineData("relayhost = [rh.example]", "x@x.y", "u@vbox.example", "VirtualMailbox virtual:vbox.example u@vbox.example")]
    [InlineData("relayhost = [rh.example]", "s@sdt.example", "u@far.example", "Default relay:sdtnh u@far.example")]
    [InlineData("relayhost = [rh.example]", "e@sdt.example", "u@far.example", "Default smtp:[rh.example] u@far.example")]
    [InlineData("relayhost = [rh.example]", "x@x.y", "u@t.example", "Default smtp:nh.example u@t.example")]
    [InlineData("relayhost = [rh.example]", "x@x.y", "a@sub.t.example", "Default relay:sub.t.example a@sub.t.example")]
    [InlineData("relayhost = [rh.example]", "x@x.y", "a@empty.example", "Default smtp:[rh.example] a@empty.example")]
    [InlineData("relayhost = [rh.example]", "d@sdr.example", "u@far.example", "Default smtp:[rh.example] u@far.example")]
    [InlineData("resolve_null_domain = yes", "x@x.y", "u@", "Local local:mx.example.org u@mx.example.org")]
    [InlineData("resolve_null_domain = yes", "x@x.y", "@", "Local local:mx.example.org MAILER-DAEMON@mx.example.org")]
    [InlineData("resolve_numeric_domain = yes", "x@x.y", "u@1.2.3.4", "Default smtp:[1.2.3.4] u@[1.2.3.4]")]
    [InlineData("resolve_numeric_domain = yes", "x@x.y", "u@1.2.3", "bad u@1.2.3")]
    [InlineData("swap_bangpath = no\nallow_percent_hack = no", "x@x.y", "a%b@local.example", "Local local:mx.example.org a%b@local.example routed")]
    [InlineData("swap_bangpath = no\nallow_percent_hack = no", "x@x.y", "a!b@local.example", "Local local:mx.example.org a!b@local.example routed")]
    [InlineData("swap_bangpath = no\nallow_percent_hack = no", "x@x.y", "a@b@local.example", "Default smtp:b a@b")]
    [InlineData("swap_bangpath = no\nallow_percent_hack = no", "x@x.y", "a b%c", "Local local:mx.example.org a b%c@mx.example.org routed")]
    [InlineData("resolve_dequoted_address = no", "x@x.y", "a@b@local.example", "Local local:mx.example.org a@b@local.example routed")]
    [InlineData("resolve_dequoted_address = no", "x@x.y", "a b%c@local.example", "Local local:mx.example.org a b%c@local.example routed")]
    [InlineData("resolve_dequoted_address = no", "x@x.y", "a%b@local.example", "Default smtp:b a@b")]
    [InlineData("virtual_alias_domains = inline:{{va2.example=x}}", "x@x.y", "a@va2.example", "VirtualAlias error:5.1.1 User unknown in virtual alias table a@va2.example")]
    [InlineData("relocated_prefix_enable = no", "x@x.y", "moved@local.example", "Local error:there@far.example moved@local.example")]
    [InlineData("transport_maps = inline:{{*=smtp:star}}", "x@x.y", "a@valias.example", "VirtualAlias error:5.1.1 User unknown in virtual alias table a@valias.example")]
    [InlineData("transport_maps = inline:{{*=smtp:star}}", "x@x.y", "a@local.example", "Local smtp:star a@local.example")]
    public async Task Follows_the_configuration(string changes, string sender, string recipient, string expected) =>
        Describe(await ResolverTestBed.Create(changes).ResolveAsync(sender, recipient, TestContext.Current.CancellationToken)).ShouldBe(expected);

    [Theory]
    [InlineData("transport_maps = fail:x")]
    [InlineData("relocated_maps = fail:x")]
    [InlineData("virtual_alias_domains = fail:x")]
    [InlineData("virtual_mailbox_domains = fail:x")]
    [InlineData("relay_domains = fail:x")]
    [InlineData("mydestination = fail:x")]
    [InlineData("sender_dependent_relayhost_maps = fail:x")]
    [InlineData("sender_dependent_default_transport_maps = fail:x")]
    [InlineData("sender_dependent_default_transport_maps = static::onlynexthop")]
    public async Task A_table_that_cannot_answer_defers(string change) =>
        (await ResolverTestBed.Create(change).ResolveAsync("s@x.example", "u@far.example", TestContext.Current.CancellationToken))
            .Outcome.ShouldBe(ResolveOutcome.Failed);

    [Fact]
    public async Task A_domain_in_two_lists_is_warned_of_once()
    {
        var log = new ListLog();
        var resolver = ResolverTestBed.Create("virtual_mailbox_domains = local.example, vbox.example, relay.example", log);
        for (var i = 0; i < 2; i++)
        {
            await resolver.ResolveAsync("", "a@local.example", TestContext.Current.CancellationToken);
            await resolver.ResolveAsync("", "a@relay.example", TestContext.Current.CancellationToken);
        }

        log.Lines.ShouldBe(
        [
            "trivial-rewrite: warning: do not list domain local.example in BOTH mydestination and virtual_mailbox_domains",
            "trivial-rewrite: warning: do not list domain relay.example in BOTH virtual_mailbox_domains and relay_domains",
        ]);
    }

    [Fact]
    public async Task The_plain_case_completes_at_once()
    {
        var pending = ResolverTestBed.Create().ResolveAsync("s@x.example", "u@far.example", TestContext.Current.CancellationToken).AsTask();
        pending.IsCompletedSuccessfully.ShouldBeTrue();
        (await pending).Outcome.ShouldBe(ResolveOutcome.Ok);
    }

    private static string Describe(Resolution resolution) =>
        resolution.Outcome == ResolveOutcome.BadAddress
            ? $"bad {resolution.Recipient}"
            : $"{resolution.Class} {resolution.Transport}:{resolution.Nexthop} {resolution.Recipient}{(resolution.Routed ? " routed" : "")}";
}
