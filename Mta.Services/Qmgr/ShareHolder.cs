namespace Mta.Services.Qmgr;

/// <summary>
/// What has a limit that holds for all nodes together: a destination, or a transport with a rate delay. Guarded by the scheduler's lock, with
/// what <see cref="ClusterShares"/> knows of it.
/// </summary>
internal abstract class ShareHolder
{
    /// <summary>transport:destination, or transport: for the transport itself; in lower case.</summary>
    public abstract string ShareName { get; }

    /// <summary>Deliveries at once over all nodes; 0 for no limit.</summary>
    public abstract int Slots { get; }

    /// <summary>Between two deliveries; zero without a rate delay.</summary>
    public abstract TimeSpan Delay { get; }

    /// <summary>Deliveries under way, and those that could begin if the limit were this node's alone.</summary>
    public abstract int Demand { get; }

    /// <summary>Deliveries under way.</summary>
    public int Busy { get; set; }

    /// <summary>With a rate delay, when the next delivery may begin; a timestamp.</summary>
    public long RateUntil { get; set; }

    /// <summary>Deliveries that may be under way here beyond the node's own part.</summary>
    public int Granted { get; set; }

    /// <summary>What the database takes for granted to us: never less than what is in use.</summary>
    public int Held { get; set; }

    /// <summary>It is told of with each exchange.</summary>
    public bool Listed { get; set; }

    /// <summary>It wants more than it has.</summary>
    public bool Unmet { get; set; }

    /// <summary>Another node wants more than it has.</summary>
    public bool OthersWant { get; set; }

    /// <summary>Another node has nothing of what it wants.</summary>
    public bool OthersStarve { get; set; }

    /// <summary>What each may have while others want more.</summary>
    public int Fair { get; set; }

    /// <summary>When there was last any use for what is granted; a timestamp.</summary>
    public long UsedAt { get; set; }

    /// <summary>Since when it has anything granted; a timestamp.</summary>
    public long TurnSince { get; set; }
}
