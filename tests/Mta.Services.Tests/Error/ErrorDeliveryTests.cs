using Mta.Services.Error;
using Mta.Services.Tests.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Error;

public sealed class ErrorDeliveryTests
{
    [Theory]
    [InlineData("error", "5.7.9 go away", "5.7.9 Bounced (go away)")]
    [InlineData("error", "go away", "5.0.0 Bounced (go away)")]
    [InlineData("error", "5.1.1", "5.1.1 Bounced (Address is undeliverable)")]
    [InlineData("error", "5.1234.1 x", "5.0.0 Bounced (5.1234.1 x)")]
    [InlineData("error", "5.1.1x y", "5.0.0 Bounced (5.1.1x y)")]
    [InlineData("retry", "later", "4.0.0 Deferred (later)")]
    [InlineData("retry", "4.3.2 deferred transport", "4.3.2 Deferred (deferred transport)")]
    [InlineData("retry", "", "4.0.0 Deferred (Address is undeliverable)")]
    public async Task Next_hop_is_the_reason(string transport, string nexthop, string outcome)
    {
        var delivery = new TestDelivery { Transport = transport, Nexthop = nexthop };

        (await delivery.RunAsync(new ErrorDeliveryAgent(delivery.Log), TestDelivery.Settings(), default, "a@b.test"))
            .ShouldBe([$"a@b.test: {outcome} relay=none"]);
        delivery.Warnings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("error", "4.1.1 later", "5.0.0 Bounced (later)", "error: warning: bounce_append: ignoring dsn code \"4.1.1\"")]
    [InlineData("retry", "5.1.1 later", "4.0.0 Deferred (later)", "error: warning: defer_append: ignoring dsn code \"5.1.1\"")]
    public async Task Code_of_the_wrong_class_is_ignored(string transport, string nexthop, string outcome, string warning)
    {
        var delivery = new TestDelivery { Transport = transport, Nexthop = nexthop };

        (await delivery.RunAsync(new ErrorDeliveryAgent(delivery.Log), TestDelivery.Settings(), default, "a@b.test", "c@d.test"))
            .ShouldBe([$"a@b.test: {outcome} relay=none", $"c@d.test: {outcome} relay=none"]);
        delivery.Warnings.ShouldBe([warning]);
    }
}
