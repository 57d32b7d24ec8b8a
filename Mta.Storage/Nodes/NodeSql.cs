namespace Mta.Storage.Nodes;

internal static class NodeSql
{
    public const string Begin =
        "SELECT epoch, number, id_floor, drained FROM mta.begin_epoch($1, $2, $3 * interval '1 s', $4, $5, $6)";

    /// <summary>The answer says what administrators want of the node, and whether incoming may have got back mail with old ids, and how much others have to do.</summary>
    public const string Heartbeat =
        """
        UPDATE mta.node SET lease_until = clock_timestamp() + $3 * interval '1 s', heartbeat_at = clock_timestamp(), id_bound = greatest(id_bound, $4),
            active_messages = $5, deliveries = $6, rejects_lost = $7, delivers = $8, is_full = $9
        WHERE name = $1 AND epoch = $2
        RETURNING drained_at IS NOT NULL, (SELECT max(epoch) FROM mta.node),
            EXISTS (SELECT FROM mta.node o WHERE o.drained_at IS NOT NULL AND o.state = 'live' AND o.active_messages > 0 AND o.name <> $1),
            (SELECT min(o.active_messages) FROM mta.node o
             WHERE o.name <> $1 AND o.delivers AND o.state = 'live' AND o.drained_at IS NULL AND o.lease_until > clock_timestamp())
        """;

    public const string End = "SELECT mta.end_epoch($1, $2)";

    /// <summary>Nodes whose lease ended longer ago than the grace.</summary>
    public const string Silent =
        "SELECT name, epoch FROM mta.node WHERE state = 'live' AND name <> $1 AND lease_until < clock_timestamp() - $2 * interval '1 s'";

    public const string BackendId = "SELECT pg_backend_pid()";

    /// <summary>
    /// Ends sessions of ours that block backend $1 and have been waiting for their client for $2 seconds. One that executes, commits or waits
    /// for a standby is in another wait.
    /// </summary>
    public const string EndFrozen =
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid = ANY (pg_blocking_pids($1)) AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - $2 * interval '1 s'
          AND (application_name LIKE 'mta %' OR application_name = current_setting('application_name'))
        """;

    /// <summary>As many rows at a time as a short transaction deletes.</summary>
    public const string TrimAdminLog =
        """
        DELETE FROM mta_store.admin_log WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM mta_store.admin_log WHERE at < now() - $1 * interval '1 s' LIMIT 10000))
        """;

    public const string SetOperator = "SELECT set_config('mta.operator', $1, true)";

    public const string Drain = "SELECT mta.drain_node($1)";

    public const string Undrain = "SELECT mta.undrain_node($1)";

    public const string Notify = "SELECT pg_notify($1, '')";

    public const string MaintainLog = "SELECT mta.maintain_delivery_log($1 * interval '1 s')";
}
