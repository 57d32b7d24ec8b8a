using Mta.Core.Config;
using Mta.Core.Qmgr;
using Mta.Services.Clients;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>What the queue manager reads of a configuration, once for each snapshot.</summary>
internal sealed class QueueManagerOptions(Settings settings)
{
    /// <summary>Messages in the active queue.</summary>
    public int ActiveLimit { get; } = settings.Get(Parameters.QmgrMessageActiveLimit);

    /// <summary>Messages in the active queue above which other nodes may have what comes; 0 when they never may.</summary>
    public int ShareLimit { get; } = settings.Get(Parameters.QueueShareLimit);

    /// <summary>Recipients of one message in memory.</summary>
    public int RecipientWindow { get; } = Math.Max(1, settings.Get(Parameters.QmgrMessageRecipientLimit));

    /// <summary>Bytes of content in memory.</summary>
    public long MemoryLimit { get; } = settings.Get(Parameters.QueueMemoryLimit);

    /// <summary>The next hop of a content filter that names none; empty for the recipient's domain.</summary>
    public string FilterNexthop { get; } = settings.Get(Parameters.DefaultFilterNexthop).Trim();

    public string Hostname { get; } = settings.Get(Parameters.Myhostname);

    public RetrySchedule Retry { get; } = new(
        settings.Get(Parameters.MinimalBackoffTime),
        settings.Get(Parameters.MaximalBackoffTime),
        settings.Get(Parameters.MaximalQueueLifetime),
        settings.Get(Parameters.BounceQueueLifetime),
        settings.Get(Parameters.DelayWarningTime));
}

/// <summary>What the queue manager works with.</summary>
public sealed class QueueManagerPorts
{
    public required MailLog Log { get; init; }

    public required TimeProvider Time { get; init; }

    public required QueueReader Reader { get; init; }

    /// <summary>The node's current epoch.</summary>
    public required Func<NodeEpoch> Epoch { get; init; }

    /// <summary>The node's lease is held at this moment; asked before each delivery.</summary>
    public required Func<bool> LeaseHeld { get; init; }

    public required CompletionCombiner Completions { get; init; }

    public required Func<INotifications> Notifications { get; init; }

    /// <summary>The resolver of the current configuration.</summary>
    public required Func<IAddressResolver> Resolver { get; init; }

    public required Func<Mta.Core.Queue.QueueId> NextId { get; init; }

    /// <summary>The node may own messages that it does not hold: look for them soon.</summary>
    public required Action SweepNeeded { get; init; }
}
