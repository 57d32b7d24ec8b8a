using System.Diagnostics;
using System.Globalization;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>How long a scenario goes on making faults: a short while, or as many seconds as MTA_FAULT_SECONDS says, by hand.</summary>
internal sealed class FaultTime(int usualSeconds)
{
    private static readonly int? Asked =
        int.TryParse(Environment.GetEnvironmentVariable("MTA_FAULT_SECONDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;

    private readonly long started = Stopwatch.GetTimestamp();
    private readonly TimeSpan limit = TimeSpan.FromSeconds(Asked ?? usualSeconds);

    public bool IsOver => Stopwatch.GetElapsedTime(started) >= limit;
}
