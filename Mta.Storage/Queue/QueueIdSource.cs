using Mta.Core.Queue;

namespace Mta.Storage.Queue;

/// <summary>Makes the queue ids of one epoch: the time in microseconds, strictly increasing, with the epoch's node number.</summary>
/// <param name="floor">The id bound that was stored for this number; ids begin above it.</param>
public sealed class QueueIdSource(TimeProvider time, int nodeNumber, long floor)
{
    private long last = floor == 0 ? 0 : new QueueId(floor).UnixMicroseconds;

    /// <summary>The last id made, for the heartbeat; the floor when none was made.</summary>
    public long Last
    {
        get
        {
            var microseconds = Interlocked.Read(ref last);
            return microseconds == 0 ? 0 : QueueId.Create(microseconds, nodeNumber).Value;
        }
    }

    public QueueId Next()
    {
        while (true)
        {
            var before = Interlocked.Read(ref last);
            var now = time.GetUtcNow().Subtract(DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
            var next = Math.Max(now, before + 1);
            if (Interlocked.CompareExchange(ref last, next, before) == before)
            {
                return QueueId.Create(next, nodeNumber);
            }
        }
    }
}
