namespace Mta.Core.Qmgr;

/// <summary>When a deferred message is tried again, when its sender is warned, and when it is returned.</summary>
public sealed record RetrySchedule(
    TimeSpan MinimalBackoff, TimeSpan MaximalBackoff, TimeSpan Lifetime, TimeSpan BounceLifetime, TimeSpan DelayWarning)
{
    /// <summary>
    /// The time to the next attempt: the age of the message within the two bounds, so that it doubles from attempt to attempt, and up to a
    /// tenth more by <paramref name="jitter"/> (0 to 1), so that mail which failed together does not return together.
    /// </summary>
    public TimeSpan NextDelay(TimeSpan age, double jitter)
    {
        var delay = age < MinimalBackoff ? MinimalBackoff : age > MaximalBackoff ? MaximalBackoff : age;
        return delay * (1 + (0.1 * jitter));
    }

    /// <summary>Asked after a failed attempt. A lifetime of zero means one attempt.</summary>
    public bool IsExpired(TimeSpan age, bool nullSender) => age >= (nullSender ? BounceLifetime : Lifetime);

    public bool IsWarningDue(TimeSpan age, bool warned) => DelayWarning > TimeSpan.Zero && !warned && age >= DelayWarning;
}
