using System.Diagnostics;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>Waits for what another process brings about: looks again and again, until a deadline that no healthy run comes near.</summary>
internal static class Until
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>The first value that is not null. <paramref name="what"/> says in the failure what did not come.</summary>
    public static async Task<T> FoundAsync<T>(Func<Task<T?>> look, string what, CancellationToken cancellationToken)
        where T : class
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await look() is { } found)
            {
                return found;
            }

            if (Stopwatch.GetElapsedTime(since) > Deadline)
            {
                throw new TimeoutException($"not within {Deadline.TotalSeconds} s: {what}");
            }

            await Task.Delay(Interval, cancellationToken);
        }
    }

    public static Task TrueAsync(Func<Task<bool>> look, string what, CancellationToken cancellationToken) =>
        FoundAsync<object>(async () => await look() ? new object() : null, what, cancellationToken);

    public static Task TrueAsync(Func<bool> look, string what, CancellationToken cancellationToken) =>
        TrueAsync(() => Task.FromResult(look()), what, cancellationToken);
}
