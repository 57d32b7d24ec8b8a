namespace Mta.Benchmarks.Scale;

/// <summary>How long the parts of a soak are, and how strict its limits.</summary>
internal sealed record SoakPlan
{
    /// <summary>Load as fast as it is taken, to know what 70 % is.</summary>
    public TimeSpan Measuring { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Load with the snapshot held open.</summary>
    public required TimeSpan Held { get; init; }

    /// <summary>The first and the last part of it that are compared.</summary>
    public required TimeSpan Compared { get; init; }

    /// <summary>The time after the snapshot's end within which space has to be used again.</summary>
    public required TimeSpan Reuse { get; init; }

    /// <summary>The part of the measured capacity that is sent.</summary>
    public double Share { get; init; } = 0.7;

    /// <summary>Percent of the first part's rate that the last part's has to reach.</summary>
    public double LeastRate { get; init; } = 95;

    /// <summary>How much more a message may cost in the second half than in the first, in percent.</summary>
    public double MostGrowth { get; init; } = 110;

    /// <summary>How much a message may still cost after the snapshot, in percent of what it did with it.</summary>
    public double MostGrowthAfter { get; init; } = 10;

    public static SoakPlan For(TimeSpan held) => new()
    {
        Held = held,
        Compared = held / 6 < TimeSpan.FromMinutes(5) ? held / 6 : TimeSpan.FromMinutes(5),
        Reuse = held / 6 < TimeSpan.FromMinutes(5) ? TimeSpan.FromSeconds(Math.Max(45, held.TotalSeconds / 6)) : TimeSpan.FromMinutes(5),
    };
}
