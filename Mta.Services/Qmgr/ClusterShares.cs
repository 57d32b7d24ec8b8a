using Mta.Storage.Shares;

namespace Mta.Services.Qmgr;

/// <summary>
/// This node's part of limits that hold for all nodes. Alone it uses all of each, and nobody is asked. One of n uses limit/(2n) of each, and
/// beyond that what <see cref="ShareStore"/> grants it. Guarded by the scheduler's lock; <see cref="ShareExchange"/> does the talking.
/// </summary>
internal sealed class ClusterShares(TimeProvider time)
{
    /// <summary>What is not used goes back after it, at once when others want it.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(3);

    /// <summary>Where there are fewer slots than nodes that want one, each has one for so long.</summary>
    private static readonly TimeSpan TurnTime = TimeSpan.FromSeconds(1);

    private readonly List<ShareHolder> listed = [];
    private readonly List<ShareHolder> asking = [];

    /// <summary>There is something to ask for or to give back.</summary>
    public Action? Changed { get; set; }

    /// <summary>By how many nodes limits are divided; 0 while this one joins, and uses only what is granted.</summary>
    public int Nodes { get; private set; } = 1;

    public bool HasListed => listed.Count > 0;

    public bool HasUnmet { get; private set; }

    /// <summary>Whether one more delivery stays within this node's share; asks for more when it does not.</summary>
    public bool MayBegin(ShareHolder holder)
    {
        if (Nodes == 1 || holder.Slots == 0 || holder.Busy < OwnPart(holder) + holder.Granted)
        {
            return true;
        }

        if (!holder.Unmet)
        {
            holder.Unmet = true;
            List(holder);
            Changed?.Invoke();
        }

        return false;
    }

    /// <summary>After a delivery: what is no longer in use may be another node's.</summary>
    public void Ended(ShareHolder holder)
    {
        if (holder.Listed && holder.Held > Math.Max(holder.Busy - OwnPart(holder), holder.Granted))
        {
            Changed?.Invoke();
        }
    }

    /// <summary>Takes part in sharing: until the first exchange this node uses nothing.</summary>
    public void Join(IEnumerable<ShareHolder> inUse)
    {
        Nodes = 0;
        foreach (var holder in listed)
        {
            holder.Granted = holder.Held = 0;
        }

        ListAll(inUse);
    }

    /// <summary>There are so many nodes now. A smaller part holds from this moment, a larger one when an exchange has said so.</summary>
    /// <returns>True when there is something to exchange.</returns>
    public bool Learn(int nodes, IEnumerable<ShareHolder> inUse)
    {
        if (nodes == Nodes)
        {
            return false;
        }

        if (Nodes > 0 && nodes > Nodes)
        {
            Nodes = nodes;
            ListAll(inUse);
        }

        return true;
    }

    /// <summary>What to tell and to ask for. What is given back by it is not used from here on.</summary>
    /// <param name="givesBack">Gets those of which something is given back.</param>
    public IReadOnlyList<ShareAsk> Collect(List<ShareHolder> givesBack)
    {
        var now = time.GetTimestamp();
        var asks = new List<ShareAsk>(listed.Count);
        asking.Clear();
        foreach (var holder in listed)
        {
            var used = Math.Max(0, holder.Busy - OwnPart(holder));
            var wanted = Math.Max(used, Math.Min(holder.Slots, holder.Demand) - OwnPart(holder));
            if (wanted > 0)
            {
                holder.UsedAt = now;
            }

            holder.Granted = Keep(holder, wanted, now);
            var held = Math.Max(used, holder.Granted);
            var wait = holder.Delay > TimeSpan.Zero ? Math.Max(0, Seconds(holder.RateUntil - now)) : 0;
            asks.Add(new ShareAsk(holder.ShareName, Math.Max(1, holder.Slots), held, Math.Max(held, wanted), (float)holder.Delay.TotalSeconds, (float)wait));
            asking.Add(holder);
            if (held < holder.Held)
            {
                givesBack.Add(holder);
            }
        }

        return asks;
    }

    /// <summary>Takes what was granted. The answers are in the order of the asks.</summary>
    public void Apply(ShareExchangeResult result, IReadOnlyList<ShareAsk> asks)
    {
        if (result.Nodes is not { } nodes)
        {
            // The epoch has ended: nothing is granted to it. The lease goes on under another one, and joins.
            return;
        }

        Nodes = nodes;
        var now = time.GetTimestamp();
        for (var i = 0; i < result.Answers.Count; i++)
        {
            Take(asking[i], asks[i], result.Answers[i], now);
        }

        HasUnmet = false;
        for (var i = listed.Count - 1; i >= 0; i--)
        {
            var holder = listed[i];
            if (nodes == 1 || (holder is { Held: 0, Unmet: false } && holder.Busy <= OwnPart(holder)))
            {
                holder.Granted = holder.Held = 0;
                holder.Listed = holder.Unmet = holder.OthersWant = holder.OthersStarve = false;
                listed.RemoveAt(i);
            }

            HasUnmet |= holder.Unmet;
        }
    }

    private void Take(ShareHolder holder, ShareAsk ask, ShareAnswer answer, long now)
    {
        if (answer.Granted > 0 && holder.Held == 0)
        {
            holder.TurnSince = now;
            holder.RateUntil = Math.Max(holder.RateUntil, now + Ticks(answer.Wait));
        }

        if (answer.Granted > ask.Held)
        {
            holder.Granted = answer.Granted;
        }

        holder.Held = answer.Granted;
        holder.Fair = answer.Fair;
        holder.OthersWant = answer.OthersWant;
        holder.OthersStarve = answer.OthersStarve;
        holder.Unmet = ask.Wanted > answer.Granted;
    }

    /// <summary>What this node goes on using of what is granted to it.</summary>
    private int Keep(ShareHolder holder, int wanted, long now)
    {
        if (wanted == 0)
        {
            return holder.OthersWant || now - holder.UsedAt > Ticks(IdleTime.TotalSeconds) ? 0 : holder.Granted;
        }

        if (!holder.OthersWant)
        {
            return holder.Granted;
        }

        if (holder.Granted > holder.Fair)
        {
            return holder.Fair;
        }

        // With a rate delay a turn is one delivery.
        var turnIsOver = holder.Delay > TimeSpan.Zero
            ? holder.RateUntil > holder.TurnSince + Ticks(holder.Delay.TotalSeconds)
            : now - holder.TurnSince > Ticks(TurnTime.TotalSeconds);
        return holder.OthersStarve && holder.Granted > 0 && turnIsOver ? holder.Granted - 1 : holder.Granted;
    }

    private int OwnPart(ShareHolder holder) => Nodes switch { 0 => 0, 1 => holder.Slots, _ => holder.Slots / (2 * Nodes) };

    private void ListAll(IEnumerable<ShareHolder> inUse)
    {
        var now = time.GetTimestamp();
        foreach (var holder in inUse)
        {
            if (holder.Slots > 0 && (holder.Busy > 0 || (holder.Delay > TimeSpan.Zero && holder.RateUntil > now)))
            {
                List(holder);
            }
        }
    }

    private void List(ShareHolder holder)
    {
        if (!holder.Listed)
        {
            holder.Listed = true;
            holder.UsedAt = time.GetTimestamp();
            listed.Add(holder);
        }
    }

    private long Ticks(double seconds) => (long)(seconds * time.TimestampFrequency);

    private double Seconds(long ticks) => (double)ticks / time.TimestampFrequency;
}
