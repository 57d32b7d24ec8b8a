namespace Mta.Core.Config;

/// <summary>The parameters that Postfix does not have.</summary>
public static partial class Parameters
{
    /// <summary><c>embedded</c>, a PostgreSQL URI, or an Npgsql connection string.</summary>
    public static readonly Parameter<string> DatabaseUrl = Text("database_url", "embedded", min: 1);

    /// <summary>The name of this node in the node registry; empty means the host's name and the instance's.</summary>
    public static readonly Parameter<string> NodeName = Text("node_name", "");

    /// <summary>Addresses of DNS servers, <c>address</c> or <c>address:port</c> or <c>[v6]:port</c>; empty means resolv.conf.</summary>
    public static readonly Parameter<string> DnsServers = Text("dns_servers", "");

    /// <summary>Whether a node keeps a connection that hears of changes (LISTEN); without it they are found by polls, within two seconds too.</summary>
    public static readonly Parameter<bool> DatabaseListen = Bool("database_listen", "yes");

    /// <summary>How long a node owns its mail after the heartbeat that renewed it was sent. 6 s to 2 min are safe; see README.md.</summary>
    public static readonly Parameter<TimeSpan> NodeLeaseTime = Time("node_lease_time", "15s", min: 3);

    /// <summary>How often a node renews its lease; at most a third of node_lease_time, or the node does not start.</summary>
    public static readonly Parameter<TimeSpan> NodeHeartbeatInterval = Time("node_heartbeat_interval", "1s", min: 1);

    /// <summary>
    /// How long after the end of a lease another node waits before it takes the mail over: final dots that were sent in time get their
    /// answers meanwhile. 2 s to a minute are safe.
    /// </summary>
    public static readonly Parameter<TimeSpan> NodeTakeoverGrace = Time("node_takeover_grace", "5s", min: 1);

    /// <summary>Connections that commit accepted mail.</summary>
    public static readonly Parameter<int> QueueAcceptConnections = Int("queue_accept_connections", "2", min: 1, max: 16);

    /// <summary>Connections that commit finished deliveries.</summary>
    public static readonly Parameter<int> QueueCompleteConnections = Int("queue_complete_connections", "1", min: 1, max: 16);

    /// <summary>
    /// Messages in a node's active queue from which on new mail is left to a node that has less than half as many; 0 means only a full active
    /// queue (qmgr_message_active_limit) is shared.
    /// </summary>
    public static readonly Parameter<int> QueueShareLimit = Int("queue_share_limit", "1000", min: 0);

    /// <summary>Bytes of message content that the queue manager keeps in memory for delivery; above it content is read back from the database.</summary>
    public static readonly Parameter<long> QueueMemoryLimit = Long("queue_memory_limit", "67108864", min: 1048576);

    /// <summary>Bytes of a message above which its content is stored in chunks before the end of data.</summary>
    public static readonly Parameter<int> QueueChunkSize = Int("queue_chunk_size", "262144", min: 16384, max: 16777216);

    /// <summary>Bytes on the database's disk that are left to PostgreSQL and to the ends of deliveries: clients hear 452 before they are touched.</summary>
    public static readonly Parameter<long> DatabaseReserve = Long("database_reserve", "268435456", min: 0);

    /// <summary>Bytes that the database may have before clients hear 452, without its WAL; 0 is no limit. For disks that no node can see.</summary>
    public static readonly Parameter<long> QueueSizeLimit = Long("queue_size_limit", "0", min: 0);

    /// <summary>The data directory of a database on this machine, whose disk is watched; empty means that the database is asked for it.</summary>
    public static readonly Parameter<string> DatabaseDirectory = Text("database_directory", "");

    /// <summary>How long delivery history is kept.</summary>
    public static readonly Parameter<TimeSpan> DeliveryLogRetention = Time("delivery_log_retention", "30d", min: 3600);

    /// <summary>How long it is kept what administrators did (mta.admin_log).</summary>
    public static readonly Parameter<TimeSpan> AdminLogRetention = Time("admin_log_retention", "365d", min: 3600);

    /// <summary>
    /// The age from which a message in incoming that was never tried makes <c>postfix status -v</c> fail: no node takes it. 0 means never.
    /// </summary>
    public static readonly Parameter<TimeSpan> HealthIncomingAgeLimit = Time("health_incoming_age_limit", "300s", min: 0);

    /// <summary>The age from which a message in active whose first round of deliveries has not ended does so. 0 means never.</summary>
    public static readonly Parameter<TimeSpan> HealthActiveAgeLimit = Time("health_active_age_limit", "1h", min: 0);

    /// <summary>All of them, for whoever brings a Postfix's main.cf together with one of ours.</summary>
    public static IReadOnlyList<Parameter> Own =>
    [
        DatabaseUrl,
        NodeName,
        DnsServers,
        DatabaseListen,
        NodeLeaseTime,
        NodeHeartbeatInterval,
        NodeTakeoverGrace,
        QueueAcceptConnections,
        QueueCompleteConnections,
        QueueShareLimit,
        QueueMemoryLimit,
        QueueChunkSize,
        DatabaseReserve,
        QueueSizeLimit,
        DatabaseDirectory,
        DeliveryLogRetention,
        AdminLogRetention,
        HealthIncomingAgeLimit,
        HealthActiveAgeLimit,
    ];
}
