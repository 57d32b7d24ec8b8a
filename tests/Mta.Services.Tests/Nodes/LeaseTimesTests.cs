using Mta.Core.Config;
using Mta.Services.Nodes;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Nodes;

public sealed class LeaseTimesTests
{
    [Fact]
    public void Defaults_go_together() => LeaseTimes.From(new Settings([])).BeatLimit.ShouldBe(TimeSpan.FromSeconds(5));

    [Theory]
    [InlineData("node_lease_time", "5s", "node_heartbeat_interval", "2s", "node_heartbeat_interval (2 s) may be at most a third of node_lease_time (5 s)")]
    [InlineData("node_lease_time", "2s", "node_heartbeat_interval", "1s", "node_lease_time")]
    [InlineData("node_lease_time", "15s", "node_takeover_grace", "0s", "node_takeover_grace")]
    public void What_does_not_go_together_is_refused_with_words(string one, string value, string other, string otherValue, string words) =>
        Should.Throw<SettingsException>(() => LeaseTimes.From(new Settings([new(one, value), new(other, otherValue)]))).Message.ShouldContain(words);
}
