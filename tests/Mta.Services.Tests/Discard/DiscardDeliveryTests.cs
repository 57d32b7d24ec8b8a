using Mta.Services.Discard;
using Mta.Services.Tests.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Discard;

public sealed class DiscardDeliveryTests
{
    [Theory]
    [InlineData("example.com", "2.0.0 Sent (example.com)", null)]
    [InlineData("2.1.5 silently", "2.1.5 Sent (silently)", null)]
    [InlineData("4.1.1 some text", "2.0.0 Sent (some text)", "discard: warning: sent: ignoring dsn code \"4.1.1\"")]
    public async Task Every_recipient_counts_as_delivered(string nexthop, string outcome, string? warning)
    {
        var delivery = new TestDelivery { Transport = "discard", Nexthop = nexthop };

        (await delivery.RunAsync(new DiscardDeliveryAgent(delivery.Log), TestDelivery.Settings(), default, "a@b.test", "c@d.test"))
            .ShouldBe([$"a@b.test: {outcome} relay=none", $"c@d.test: {outcome} relay=none"]);
        delivery.Warnings.ShouldBe(warning is null ? [] : [warning]);
    }
}
