namespace Mta.Services.Net;

/// <summary>
/// One timer for the deadlines of all connections of a process. A connection stores its deadline in a field, which costs nothing for
/// each read, where a timer or a cancellation source for each read would cost more than the read.
/// </summary>
public sealed class DeadlineSweeper : IDisposable
{
    /// <summary>Time limits are in seconds; a quarter of one late is not seen.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Lock gate = new();
    private readonly HashSet<ISweepable> entries = [];
    private readonly ITimer timer;
    private bool running;

    public DeadlineSweeper(TimeProvider time)
    {
        Time = time;
        timer = time.CreateTimer(static state => ((DeadlineSweeper)state!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public TimeProvider Time { get; }

    /// <summary>The timestamp at which a limit that begins now ends.</summary>
    public long After(TimeSpan limit) => Time.GetTimestamp() + (long)(limit.TotalSeconds * Time.TimestampFrequency);

    public void Add(ISweepable entry)
    {
        lock (gate)
        {
            entries.Add(entry);
            if (!running)
            {
                running = true;
                timer.Change(Period, Period);
            }
        }
    }

    /// <summary>After the return the entry is not swept any more.</summary>
    public void Remove(ISweepable entry)
    {
        lock (gate)
        {
            entries.Remove(entry);
        }
    }

    public void Dispose() => timer.Dispose();

    private void Sweep()
    {
        var now = Time.GetTimestamp();
        lock (gate)
        {
            foreach (var entry in entries)
            {
                entry.Sweep(now);
            }

            if (entries.Count == 0)
            {
                running = false;
                timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
