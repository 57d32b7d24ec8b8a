namespace Mta.Services.Net;

/// <summary>Something with a deadline: a connection, a cache of idle connections.</summary>
public interface ISweepable
{
    /// <summary>Acts when a deadline has passed. Called from the timer, under the lock of the sweeper: short, and never blocking.</summary>
    /// <param name="now">A value of <see cref="TimeProvider.GetTimestamp"/>.</param>
    void Sweep(long now);
}
