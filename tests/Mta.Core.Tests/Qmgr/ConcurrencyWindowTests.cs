using Mta.Core.Qmgr;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Qmgr;

public sealed class ConcurrencyWindowTests
{
    private static readonly ConcurrencyFeedback One = new(1, ConcurrencyFeedback.Scaling.None);

    private static readonly ConcurrencyLimits Defaults = new(5, 20, 1, One, One);

    [Fact]
    public void Successes_open_the_window_up_to_the_limit()
    {
        var window = new ConcurrencyWindow(Defaults);
        window.Window.ShouldBe(5);
        for (var i = 0; i < 100; i++)
        {
            window.Succeeded(window.Window);
        }

        window.Window.ShouldBe(20);
    }

    [Fact]
    public void An_idle_destination_earns_no_more_than_the_first_cohort_above_what_is_in_use()
    {
        var window = new ConcurrencyWindow(Defaults);
        for (var i = 0; i < 100; i++)
        {
            window.Succeeded(1);
        }

        window.Window.ShouldBe(6);
    }

    [Fact]
    public void A_failed_cohort_kills_the_destination()
    {
        var window = new ConcurrencyWindow(Defaults);
        var failures = 1;
        while (!window.Failed())
        {
            failures++;
        }

        failures.ShouldBe(4);
        window.IsDead.ShouldBeTrue();
        window.Revive(0);
        window.Window.ShouldBe(5);
    }

    [Fact]
    public void Without_a_cohort_limit_a_destination_is_never_dead()
    {
        var window = new ConcurrencyWindow(Defaults with { FailedCohortLimit = 0 });
        for (var i = 0; i < 100; i++)
        {
            window.Failed().ShouldBeFalse();
        }

        window.Window.ShouldBe(1);
    }

    [Theory]
    [InlineData("1", 1, 4, 1)]
    [InlineData("1/concurrency", 1, 4, 0.25)]
    [InlineData("0.5 / sqrt_concurrency", 0.5, 4, 0.25)]
    public void Feedback_has_three_forms(string text, double number, double window, double expected)
    {
        ConcurrencyFeedback.TryParse(text, out var feedback).ShouldBeTrue();
        feedback.Base.ShouldBe(number);
        feedback.At(window).ShouldBe(expected);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("1/size")]
    [InlineData("x")]
    public void Other_feedback_is_refused(string text) => ConcurrencyFeedback.TryParse(text, out _).ShouldBeFalse();
}
