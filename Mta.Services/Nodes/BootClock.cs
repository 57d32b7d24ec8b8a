using System.Runtime.InteropServices;

namespace Mta.Services.Nodes;

/// <summary>A clock that nobody sets and that runs while the machine is suspended (CLOCK_BOOTTIME): a lease must end during a suspend, too.</summary>
internal static partial class BootClock
{
    private const int ClockBoottime = 7;

    /// <summary>Time since the machine was started.</summary>
    public static TimeSpan Now
    {
        get
        {
            if (clock_gettime(ClockBoottime, out var time) != 0)
            {
                throw new InvalidOperationException($"clock_gettime(CLOCK_BOOTTIME): error {Marshal.GetLastPInvokeError()}");
            }

            return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick));
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int clock_gettime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
