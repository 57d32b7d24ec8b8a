namespace Mta.Core.Qmgr;

/// <summary>Limits of a destination's concurrency, from the parameters of its transport.</summary>
public sealed record ConcurrencyLimits(
    int Initial, int Limit, double FailedCohortLimit, ConcurrencyFeedback Positive, ConcurrencyFeedback Negative);

/// <summary>
/// How many deliveries may go to one destination at once. Each success opens the window, up to a limit; each failure of the whole
/// destination (connection, greeting) closes it, until a whole cohort of the current size has failed and the destination is dead.
/// </summary>
public sealed class ConcurrencyWindow(ConcurrencyLimits limits)
{
    private double success;
    private double failure;
    private double failedCohorts;

    /// <summary>0 when the destination is dead.</summary>
    public int Window { get; private set; } = Math.Max(1, limits.Initial);

    public bool IsDead => Window == 0;

    /// <summary>A delivery got as far as the mail transaction.</summary>
    /// <param name="busy">Deliveries under way, this one included.</param>
    public void Succeeded(int busy)
    {
        if (IsDead)
        {
            Revive(busy);
        }

        failedCohorts = 0;

        // No wider than what is in use and a first cohort more: an idle destination does not earn a large window.
        if (Window >= Math.Max(1, busy) + limits.Initial || (limits.Limit > 0 && Window >= limits.Limit))
        {
            return;
        }

        for (success += limits.Positive.At(Window); success >= 1 && (limits.Limit == 0 || Window < limits.Limit); success--)
        {
            Window++;
        }
    }

    /// <summary>The destination as a whole failed; true when it is dead by that.</summary>
    public bool Failed()
    {
        if (IsDead)
        {
            return false;
        }

        failedCohorts += 1.0 / Window;
        if (limits.FailedCohortLimit > 0 && failedCohorts >= limits.FailedCohortLimit)
        {
            Window = 0;
            return true;
        }

        for (failure += limits.Negative.At(Window); failure >= 1 && Window > 1; failure--)
        {
            Window--;
        }

        return false;
    }

    /// <summary>A dead destination may be tried again.</summary>
    /// <param name="nodes">So many nodes try it at the same time, each with its part of the first cohort.</param>
    public void Revive(int busy, int nodes = 1)
    {
        Window = Math.Max(1, Math.Max(busy, limits.Initial / Math.Max(1, nodes)));
        success = failure = failedCohorts = 0;
    }
}
