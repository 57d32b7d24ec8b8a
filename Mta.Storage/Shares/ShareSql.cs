namespace Mta.Storage.Shares;

/// <summary>Statements of what nodes know together; see sql/migrations/0008_destination_shares.sql.</summary>
internal static class ShareSql
{
    public const string Exchange =
        "SELECT nodes, name, granted, fair, others_want, others_starve, wait FROM mta_store.exchange_shares($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    public const string Leave = "SELECT mta_store.leave_shares($1, $2)";

    public const string DeliveringNodes = "SELECT count(*) FROM mta.node WHERE state = 'live' AND (share_nodes IS NOT NULL OR name = $1)";

    /// <summary>
    /// Since a moment of the database's clock, and a little before it for transactions that were not committed then. The time of this
    /// reading comes with each row, and alone when there is none.
    /// </summary>
    public const string News =
        """
        SELECT clock_timestamp(), d.name, d.destination, 
            CASE WHEN d.dead_until = '-infinity' THEN -1 ELSE greatest(0, extract(epoch FROM d.dead_until - clock_timestamp())) END::float8, d.dsn, d.reason, d.changed_at
        FROM (SELECT) one LEFT JOIN mta_store.dead_destination d ON d.changed_at > $2 - interval '5 s' AND d.epoch <> $1
        """;

    /// <summary>
    /// A destination that lives under one transport is not waited for under another one either, once its time there is over: what was sent to
    /// try it may all have gone by the one that lives.
    /// </summary>
    public const string Publish =
        """
        WITH n AS MATERIALIZED (SELECT * FROM unnest($3::text[], $4::text[], $5::float8[], $6::text[], $7::text[]) AS n(name, destination, seconds, dsn, reason)),
        other AS (UPDATE mta_store.dead_destination d SET dead_until = '-infinity', epoch = 0, changed_at = clock_timestamp()
            FROM n WHERE n.seconds <= 0 AND d.destination = n.destination AND d.probed AND d.dead_until > '-infinity'
                AND NOT EXISTS (SELECT FROM n same WHERE same.name = d.name))
        INSERT INTO mta_store.dead_destination AS d (name, destination, dead_until, dsn, reason, epoch, node)
        SELECT n.name, n.destination, CASE WHEN n.seconds > 0 THEN clock_timestamp() + n.seconds * interval '1 s' ELSE '-infinity' END, n.dsn, n.reason, $1, $2
        FROM n ORDER BY n.name
        ON CONFLICT (name) DO UPDATE SET destination = excluded.destination,
            since = CASE WHEN d.dead_until > '-infinity' THEN d.since ELSE excluded.since END,
            dead_until = excluded.dead_until, dsn = excluded.dsn, reason = excluded.reason, epoch = excluded.epoch, node = excluded.node,
            probed = false, changed_at = clock_timestamp()
        """;

    /// <summary>Rows that say nothing any more: later than the longest time to the next attempt nobody asks whether it was dead.</summary>
    public const string Tidy =
        """
        WITH old AS (DELETE FROM mta_store.dead_destination WHERE dead_until < now() - interval '3 h' AND changed_at < now() - interval '1 min')
        DELETE FROM mta_store.destination_share WHERE epoch = 0 AND not_before < now()
        """;

    /// <summary>
    /// One node takes it on itself to try a destination whose time is over; the others go on waiting for what comes of it. A row that was tried
    /// before and that nobody has renewed since is forgotten by all: the transport that it is about is in use no more.
    /// </summary>
    public const string Probe =
        """
        UPDATE mta_store.dead_destination SET probed = true, node = $2, changed_at = clock_timestamp(),
            dead_until = CASE WHEN probed THEN '-infinity' ELSE now() + $4 * interval '1 s' END, epoch = CASE WHEN probed THEN 0 ELSE $1 END
        WHERE destination = $3 AND dead_until > '-infinity' AND dead_until <= now()
        """;
}
