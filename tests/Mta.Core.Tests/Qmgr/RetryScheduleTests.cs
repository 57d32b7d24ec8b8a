using Mta.Core.Qmgr;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Qmgr;

public sealed class RetryScheduleTests
{
    private static readonly RetrySchedule Defaults = new(
        TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(4000), TimeSpan.FromDays(5), TimeSpan.FromDays(1), TimeSpan.Zero);

    [Theory]
    [InlineData(0, 0, 300)]
    [InlineData(299, 0, 300)]
    [InlineData(1000, 0, 1000)]
    [InlineData(100000, 0, 4000)]
    [InlineData(1000, 1, 1100)]
    public void The_next_attempt_is_as_far_as_the_message_is_old(double age, double jitter, double expected) =>
        Defaults.NextDelay(TimeSpan.FromSeconds(age), jitter).TotalSeconds.ShouldBe(expected);

    [Fact]
    public void Mail_from_the_null_sender_has_a_lifetime_of_its_own()
    {
        Defaults.IsExpired(TimeSpan.FromDays(2), nullSender: true).ShouldBeTrue();
        Defaults.IsExpired(TimeSpan.FromDays(2), nullSender: false).ShouldBeFalse();
        (Defaults with { Lifetime = TimeSpan.Zero }).IsExpired(TimeSpan.Zero, false).ShouldBeTrue();
    }

    [Fact]
    public void A_sender_is_warned_once_and_only_when_asked_for()
    {
        Defaults.IsWarningDue(TimeSpan.FromDays(4), false).ShouldBeFalse();
        var hourly = Defaults with { DelayWarning = TimeSpan.FromHours(1) };
        hourly.IsWarningDue(TimeSpan.FromMinutes(59), false).ShouldBeFalse();
        hourly.IsWarningDue(TimeSpan.FromHours(1), false).ShouldBeTrue();
        hourly.IsWarningDue(TimeSpan.FromHours(2), true).ShouldBeFalse();
    }
}
