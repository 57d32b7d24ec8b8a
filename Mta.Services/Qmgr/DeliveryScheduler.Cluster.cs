using Mta.Core.Delivery;
using Mta.Services.Clients;
using Mta.Storage.Shares;

namespace Mta.Services.Qmgr;

/// <summary>What the scheduler tells the other nodes and hears from them: shares of limits, and destinations that are dead or live again.</summary>
internal sealed partial class DeliveryScheduler
{
    private readonly ClusterShares shares = new(time);
    private readonly Dictionary<string, DestinationNews> news = new(StringComparer.Ordinal);

    /// <summary>There is something to tell or to ask for; called under the lock, so it must not wait. Null: nobody is told or asked.</summary>
    public Action? Changed
    {
        get => shares.Changed;
        set => shares.Changed = value;
    }

    /// <summary>By how many nodes limits are divided here; 0 while this one joins.</summary>
    public int Nodes
    {
        get
        {
            lock (gate)
            {
                return shares.Nodes;
            }
        }
    }

    /// <summary>Takes part in sharing, under a new epoch: nothing is granted to it yet.</summary>
    public void Join()
    {
        lock (gate)
        {
            shares.Join(Holders());
        }
    }

    /// <summary>So many nodes deliver now; true when that has to be exchanged.</summary>
    public bool Learn(int nodes)
    {
        lock (gate)
        {
            return shares.Learn(nodes, Holders());
        }
    }

    /// <summary>True when shares are in use or wanted; the second when more are wanted than there are.</summary>
    public (bool Any, bool Unmet) ShareNeed()
    {
        lock (gate)
        {
            return (shares.HasListed, shares.HasUnmet);
        }
    }

    /// <summary>What to tell and to ask for, and by how many nodes limits are divided here.</summary>
    public (int Nodes, IReadOnlyList<ShareAsk> Asks) CollectShares()
    {
        var givesBack = new List<ShareHolder>();
        int nodes;
        IReadOnlyList<ShareAsk> asks;
        lock (gate)
        {
            nodes = shares.Nodes;
            asks = shares.Collect(givesBack);
        }

        foreach (var holder in givesBack)
        {
            // A connection that waits for its next use counts at the other end, where another node is to connect now.
            if (holder is DestinationQueue queue)
            {
                queue.Transport.Service.Agent.CloseIdle(queue.Name);
            }
        }

        return (nodes, asks);
    }

    /// <summary>Takes what was granted, and begins what may begin by it.</summary>
    public void ApplyShares(ShareExchangeResult result, IReadOnlyList<ShareAsk> asks)
    {
        string[] names;
        lock (gate)
        {
            shares.Apply(result, asks);
            foreach (var transport in transports.Values)
            {
                WakeAfter(transport);
            }

            names = [.. transports.Keys];
        }

        foreach (var name in names)
        {
            Pump(name);
        }
    }

    /// <summary>What this node found out about destinations since the last time.</summary>
    public DestinationNews[] TakeNews()
    {
        lock (gate)
        {
            DestinationNews[] taken = [.. news.Values];
            news.Clear();
            return taken;
        }
    }

    /// <summary>What could not be told is told later, unless something newer is to be told by then.</summary>
    public void ReturnNews(DestinationNews[] untold)
    {
        lock (gate)
        {
            foreach (var item in untold)
            {
                news.TryAdd(item.Name, item);
            }
        }
    }

    /// <summary>Takes what another node found out; the deliveries that waited for a destination that is dead by it.</summary>
    public List<DeliveryRequest> Hear(DestinationNews heard)
    {
        var colon = heard.Name.IndexOf(':', StringComparison.Ordinal);
        lock (gate)
        {
            if (colon < 0 || !transports.TryGetValue(heard.Name[..colon], out var transport))
            {
                return [];
            }

            var queue = transport.Destination(heard.Name[(colon + 1)..]);
            if (heard.Seconds < 0)
            {
                Revive(queue);
                queue.Throttled = false;
                return [];
            }

            queue.DeadReason = DeliveryStatus.Deferred(heard.Dsn, heard.Reason);
            queue.NotBefore = time.GetTimestamp() + Ticks(TimeSpan.FromSeconds(heard.Seconds));
            queue.Throttled = true;
            return queue.TakeAll();
        }
    }

    /// <summary>This node is to try a destination, of whatever transport, although it may be dead still.</summary>
    public void Revive(string destination)
    {
        lock (gate)
        {
            foreach (var transport in transports.Values)
            {
                if (transport.Known(destination) is { } queue)
                {
                    Revive(queue);
                }
            }
        }
    }

    private void Revive(DestinationQueue queue)
    {
        if (queue.DeadReason is not null)
        {
            queue.DeadReason = null;
            queue.NotBefore = 0;
            queue.Window.Revive(queue.Busy, shares.Nodes);
        }
    }

    private void TellDead(DestinationQueue queue, DeliveryRequest request, DeliveryStatus reason, TimeSpan time)
    {
        queue.Throttled = true;
        Tell(queue, request, time.TotalSeconds, reason.Dsn, queue.DeadReason!.Text);
    }

    private void TellAlive(DestinationQueue queue, DeliveryRequest request)
    {
        queue.Throttled = false;
        Tell(queue, request, -1, "2.0.0", "");
    }

    private void Tell(DestinationQueue queue, DeliveryRequest request, double seconds, string dsn, string text)
    {
        if (Changed is null)
        {
            return;
        }

        var whole = queue.Name.Equals(request.Nexthop, StringComparison.OrdinalIgnoreCase) ? request.Nexthop.ToLowerInvariant() : null;
        news[queue.ShareName] = new DestinationNews(queue.ShareName, whole, seconds, dsn, text);
        Changed();
    }

    private IEnumerable<ShareHolder> Holders()
    {
        foreach (var transport in transports.Values)
        {
            yield return transport;
            foreach (var queue in transport.Destinations)
            {
                yield return queue;
            }
        }
    }
}
