namespace Mta.Storage.Nodes;

internal static class NodeSql
{
    public const string Begin =
        "SELECT epoch, number, id_floor FROM mta.begin_epoch($1, $2, $3 * interval '1 s', $4, $5, $6)";

    public const string Heartbeat =
        """
        UPDATE mta.node SET lease_until = clock_timestamp() + $3 * interval '1 s', heartbeat_at = clock_timestamp(), id_bound = greatest(id_bound, $4)
        WHERE name = $1 AND epoch = $2
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

    public const string MaintainLog = "SELECT mta.maintain_delivery_log($1 * interval '1 s')";
}
