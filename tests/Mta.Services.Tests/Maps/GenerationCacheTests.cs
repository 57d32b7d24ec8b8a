using Mta.Services.Maps.Stored;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

public sealed class GenerationCacheTests
{
    [Fact]
    public void It_stays_bounded_and_keeps_what_is_used()
    {
        var cache = new GenerationCache<int>(100);
        cache.Set("used", 1);
        for (var i = 0; i < 10000; i++)
        {
            cache.Set($"k{i}", i);
            cache.TryGet("used", out var value).ShouldBeTrue();
            value.ShouldBe(1);
        }

        Enumerable.Range(0, 10000).Count(i => cache.TryGet($"k{i}", out _)).ShouldBeInRange(1, 102);
    }
}
