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

    /// <summary>Ends the epochs of nodes whose lease ended longer ago than the grace.</summary>
    public const string TakeOver =
        """
        SELECT name, epoch, mta.end_epoch(name, epoch) FROM mta.node
        WHERE state = 'live' AND name <> $1 AND lease_until < clock_timestamp() - $2 * interval '1 s'
        """;

    public const string MaintainLog = "SELECT mta.maintain_delivery_log($1 * interval '1 s')";
}
