namespace Mta.Storage.Nodes;

/// <summary>A node as the registry shows it.</summary>
/// <param name="State"><c>live</c>, <c>drained</c>, <c>expired</c> (silent, its epoch is not ended yet) or <c>ended</c>.</param>
/// <param name="Delivers">False on a node that only receives.</param>
/// <param name="LeaseLeft">Negative when it is over; null when its epoch has ended.</param>
/// <param name="ActiveMessages">Messages that it owned at its last heartbeat.</param>
/// <param name="Deliveries">Deliveries under way at its last heartbeat.</param>
/// <param name="RejectsLost">Rejected commands, since its start, that are in its log and not in the history.</param>
public sealed record NodeStatus(
    string Name,
    string Host,
    string State,
    bool Drained,
    bool Delivers,
    string Version,
    TimeSpan? LeaseLeft,
    TimeSpan HeartbeatAge,
    int ActiveMessages,
    int Deliveries,
    long PossibleDuplicates,
    long RejectsLost);

/// <summary>A queue, of all nodes.</summary>
/// <param name="Messages">Exact up to 100,000; above that an estimate.</param>
/// <param name="Oldest">The age of the oldest message; null when there is none.</param>
/// <param name="OldestUntried">In incoming and active: that of the oldest message of which no round of deliveries has ended.</param>
public sealed record QueueStatus(string Name, long Messages, bool IsEstimate, TimeSpan? Oldest, TimeSpan? OldestUntried);

/// <summary>The nodes and queues as of one moment, by the database's clock.</summary>
public sealed record ClusterStatus(long SchemaVersion, IReadOnlyList<NodeStatus> Nodes, IReadOnlyList<QueueStatus> Queues)
{
    public NodeStatus? Find(string node) => Nodes.FirstOrDefault(n => n.Name == node);
}
