using Mta.Services.Net;
using Mta.Services.Scache;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Scache;

public sealed class ConnectionCacheTests : IDisposable
{
    private readonly StoppedClock clock = new();
    private readonly DeadlineSweeper sweeper;
    private readonly ConnectionCache<string, Connection> cache;

    public ConnectionCacheTests()
    {
        sweeper = new DeadlineSweeper(clock);
        cache = new ConnectionCache<string, Connection>(sweeper);
    }

    public void Dispose()
    {
        cache.Dispose();
        sweeper.Dispose();
    }

    [Fact]
    public void The_connection_used_last_is_given_out_first()
    {
        var (a, b) = (new Connection(), new Connection());
        cache.Keep("x", a, TimeSpan.FromSeconds(2));
        cache.Keep("x", b, TimeSpan.FromSeconds(2));
        cache.TryTake("y", out _).ShouldBeFalse();
        cache.TryTake("x", out var first).ShouldBeTrue();
        cache.TryTake("x", out var second).ShouldBeTrue();
        cache.TryTake("x", out _).ShouldBeFalse();
        first.ShouldBeSameAs(b);
        second.ShouldBeSameAs(a);
    }

    [Fact]
    public void A_connection_that_is_not_quiet_is_closed_and_the_next_one_given_out()
    {
        var (good, bad) = (new Connection(), new Connection { IsQuiet = false });
        cache.Keep("x", good, TimeSpan.FromSeconds(2));
        cache.Keep("x", bad, TimeSpan.FromSeconds(2));
        cache.TryTake("x", out var taken).ShouldBeTrue();
        taken.ShouldBeSameAs(good);
        bad.HasLeft.ShouldBeTrue();
    }

    [Fact]
    public void Idle_connections_are_closed_after_their_time_and_the_rest_at_the_end()
    {
        var (early, late) = (new Connection(), new Connection());
        cache.Keep("x", early, TimeSpan.FromSeconds(2));
        clock.Seconds = 1;
        cache.Keep("x", late, TimeSpan.FromSeconds(2));
        ((ISweepable)cache).Sweep(clock.GetTimestamp());
        cache.Count.ShouldBe(2);
        clock.Seconds = 2;
        ((ISweepable)cache).Sweep(clock.GetTimestamp());
        early.HasLeft.ShouldBeTrue();
        late.HasLeft.ShouldBeFalse();
        cache.Dispose();
        late.HasLeft.ShouldBeTrue();
        cache.Keep("x", early, TimeSpan.FromSeconds(2));
        cache.Count.ShouldBe(0);
    }

    [Fact]
    public void An_empty_cache_is_used_again_after_it_was_swept()
    {
        cache.Keep("x", new Connection(), TimeSpan.FromSeconds(2));
        cache.TryTake("x", out _).ShouldBeTrue();
        ((ISweepable)cache).Sweep(clock.GetTimestamp());
        var late = new Connection();
        cache.Keep("x", late, TimeSpan.FromSeconds(2));
        clock.Seconds = 3;
        ((ISweepable)cache).Sweep(clock.GetTimestamp());
        late.HasLeft.ShouldBeTrue();
    }

    private sealed class Connection : IIdleConnection
    {
        public bool IsQuiet { get; init; } = true;

        public bool HasLeft { get; private set; }

        public void Leave() => HasLeft = true;
    }

    private sealed class StoppedClock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Seconds * 1000;
    }
}
