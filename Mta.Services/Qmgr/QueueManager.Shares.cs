using Mta.Core.Delivery;
using Mta.Storage.Shares;

namespace Mta.Services.Qmgr;

/// <summary>What nodes know together of destinations, for mail that is in memory.</summary>
public sealed partial class QueueManager
{
    internal DeliveryScheduler Shares => scheduler;

    /// <summary>From here on limits hold for all nodes together: no delivery begins before the first exchange with them.</summary>
    /// <param name="changed">Called when there is something to tell or to ask for; must not wait.</param>
    internal void JoinShares(Action changed)
    {
        scheduler.Changed = changed;
        scheduler.Join();
    }

    /// <summary>Takes what another node found out about a destination; mail that waits in memory for a dead one is deferred.</summary>
    internal void Hear(DestinationNews news)
    {
        if (scheduler.Hear(news) is { Count: > 0 } waiting)
        {
            Defer(waiting, DeliveryStatus.Deferred(news.Dsn, news.Reason));
        }
    }
}
