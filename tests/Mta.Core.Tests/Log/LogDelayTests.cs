using Mta.Core.Log;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Log;

public sealed class LogDelayTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.004, "0")]
    [InlineData(0.005, "0.01")]
    [InlineData(0.012, "0.01")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.126, "0.13")]
    [InlineData(1, "1")]
    [InlineData(1.26, "1.3")]
    [InlineData(9.96, "10")]
    [InlineData(12.4, "12")]
    [InlineData(345.6, "346")]
    [InlineData(-5, "0")]
    public void A_delay_has_two_significant_digits(double seconds, string expected) => new LogDelay(seconds).ToString().ShouldBe(expected);
}
