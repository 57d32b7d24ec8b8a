namespace Mta.Storage.Queue;

/// <summary>The statements of the queue. Arrays go in by unnest, one round trip and one commit for a batch.</summary>
internal static class QueueSql
{
    /// <summary>Columns of a message that all queues have.</summary>
    public const string MessageColumns =
        "id, sender, size, recipient_count, flags, dsn_return, envelope_id, client_name, client_address, client_port, protocol, helo, " +
        "message_id, filter, chunk_count, attempts, warned";

    // The row lock waits for nobody but the end of the epoch, and that waits for it: what this transaction inserts, claims or finishes is
    // seen by whoever ends the epoch afterwards.
    private const string Alive = "alive AS MATERIALIZED (SELECT 1 FROM mta_store.live_epoch WHERE node = $1 AND epoch = $2 FOR KEY SHARE)";

    // The writer's lock is held until the transaction has really ended, whatever became of the connection; settling waits for it.
    private const string AliveWriter =
        "alive AS MATERIALIZED (SELECT 1 FROM mta_store.live_epoch, pg_advisory_xact_lock($3, $4) WHERE node = $1 AND epoch = $2 FOR KEY SHARE OF live_epoch)";

    // $5 on: the parallel arrays of messages, recipients and content chunks. The last insert counts messages: 0 when the epoch has ended.
    private const string AcceptRecipients =
        """
        , rcpt AS (INSERT INTO mta_store.recipient (message_id, number, address, original, notify, original_recipient)
            SELECT r.* FROM unnest($20::bigint[], $21::int[], $22::text[], $23::text[], $24::smallint[], $25::text[]) r, alive)
        """;

    private const string AcceptParts = AcceptRecipients +
        """
        , body AS (INSERT INTO mta_store.new_content (slot, message_id, chunk, data)
            SELECT mta_store.slot_at(clock_timestamp()), c.* FROM unnest($26::bigint[], $27::int[], $28::bytea[]) c, alive)
        """;

    // Messages that streamed in, and those that replace one in maildrop: when another node has enqueued that one before, the batch fails
    // with MTA01, and is taken apart until the message stands alone. A message that was requeued keeps its id, and what it was before may still
    // be in a slot of new content: what is in content comes before that.
    private const string AcceptSources = AcceptRecipients +
        """
        , body AS (INSERT INTO mta_store.content (message_id, chunk, data)
            SELECT c.* FROM unnest($26::bigint[], $27::int[], $28::bytea[]) c, alive
            ON CONFLICT (message_id, chunk) DO UPDATE SET data = excluded.data),
        stored AS (DELETE FROM mta_store.upload u USING alive WHERE u.message_id = ANY ($29::bigint[])),
        picked AS MATERIALIZED (SELECT mta.maildrop_finish($30::bigint[]) FROM alive)
        """;

    private const string AcceptMessages =
        ", 0, false FROM unnest($5::bigint[], $6::text[], $7::bigint[], $8::int[], $9::int[], $10::smallint[], $11::text[], $12::text[], " +
        "$13::text[], $14::int[], $15::text[], $16::text[], $17::text[], $18::text[], $19::int[]) m, alive";

    private const string IntoActive = " INSERT INTO mta_store.active (epoch, " + MessageColumns + ") SELECT $2, m.*" + AcceptMessages;

    private const string IntoIncoming = " INSERT INTO mta_store.incoming (" + MessageColumns + ") SELECT m.*" + AcceptMessages;

    public const string AcceptOwned = "WITH " + AliveWriter + AcceptParts + IntoActive;

    public const string AcceptUnowned = "WITH " + AliveWriter + AcceptParts + IntoIncoming;

    private const string AcceptOwnedFromSource = "WITH " + AliveWriter + AcceptSources + IntoActive + ", picked";

    private const string AcceptUnownedFromSource = "WITH " + AliveWriter + AcceptSources + IntoIncoming + ", picked";

    private static readonly string[] AcceptHeld = [.. HoldReasons.Select(r => "WITH " + AliveWriter + AcceptParts + IntoHold(r))];

    private static readonly string[] AcceptHeldFromSource =
        [.. HoldReasons.Select(r => "WITH " + AliveWriter + AcceptSources + IntoHold(r) + ", picked")];

    /// <summary>The values of held_by, by <see cref="HoldReason"/>.</summary>
    private static string[] HoldReasons => ["", "access", "header_checks", "body_checks"];

    /// <summary>The statement that puts a batch into one queue. A message on hold has no owner, and no queue has a statement that is slower for it.</summary>
    public static string Accept(bool owned, HoldReason hold, bool fromSource) =>
        hold != HoldReason.None ? (fromSource ? AcceptHeldFromSource : AcceptHeld)[(int)hold]
        : owned ? fromSource ? AcceptOwnedFromSource : AcceptOwned
        : fromSource ? AcceptUnownedFromSource : AcceptUnowned;

    private static string IntoHold(string reason) =>
        $" INSERT INTO mta_store.hold ({MessageColumns}, held_by) SELECT m.*{AcceptMessages.Replace(", 0, false", $", 0, false, '{reason}'", StringComparison.Ordinal)}";

    /// <summary>
    /// After the writer's lock is ours the old transaction has ended, one way or the other. The write makes this commit wait for a
    /// synchronous standby too, so that an answer that it stands in the queue is as durable as the first commit would have been.
    /// </summary>
    public const string SettleLock = "SELECT pg_advisory_xact_lock($1, $2)";

    public const string SettleTouch = "UPDATE mta.node SET heartbeat_at = heartbeat_at WHERE name = $1";

    public const string SettleFind =
        """
        SELECT id FROM mta_store.active WHERE id = ANY ($1) UNION SELECT id FROM mta_store.incoming WHERE id = ANY ($1)
        UNION SELECT id FROM mta_store.deferred WHERE id = ANY ($1) UNION SELECT id FROM mta_store.hold WHERE id = ANY ($1)
        UNION SELECT id FROM mta_store.corrupt WHERE id = ANY ($1)
        UNION SELECT message_id FROM mta.delivery_log WHERE message_id = ANY ($1) AND at > now() - interval '2 days'
        """;

    /// <summary>
    /// Ends recipients and messages of which the epoch is still ours, and writes the history from what was found; what it does not find
    /// is stale. $3 to $18: outcomes (final ones delete the recipient, others keep the reason). $19: messages whose round ended with
    /// nothing left.
    /// </summary>
    public const string Finish =
        "WITH " + Alive +
        """
        , outcome AS MATERIALIZED (SELECT * FROM unnest($3::bigint[], $4::int[], $5::bool[], $6::smallint[], $7::text[], $8::text[], $9::text[],
              $10::bigint[], $11::text[], $12::text[], $13::text[], $14::real[], $15::real[], $16::real[], $17::real[], $18::text[])
              AS o(id, number, final, action, sender, recipient, original, size, transport, relay, dsn, a, b, c, d, reason)),
        done AS (DELETE FROM mta_store.recipient r USING outcome o, mta_store.active m, alive
              WHERE o.final AND m.id = o.id AND m.epoch = $2 AND r.message_id = o.id AND r.number = o.number
              RETURNING o.*, m.client_name, m.client_address, m.client_port, m.message_id),
        kept AS (UPDATE mta_store.recipient r SET dsn = o.dsn, reason = o.reason FROM outcome o, mta_store.active m, alive
              WHERE NOT o.final AND m.id = o.id AND m.epoch = $2 AND r.message_id = o.id AND r.number = o.number
              RETURNING o.*, m.client_name, m.client_address, m.client_port, m.message_id),
        gone AS (DELETE FROM mta_store.active m USING alive WHERE m.id = ANY ($19::bigint[]) AND m.epoch = $2 RETURNING m.id),
        body AS (DELETE FROM mta_store.content c USING gone WHERE c.message_id = gone.id)
        INSERT INTO mta.delivery_log (message_id, recipient_number, node, action, sender, recipient, original, size, transport, relay, dsn,
              delay_before_queue, delay_in_queue, delay_connection, delay_transmission, reason, client_name, client_address, header_message_id)
        SELECT id, number, $1, action, sender, recipient, original, size, transport, relay, dsn, a, b, c, d, reason,
              CASE WHEN client_port > 0 THEN client_name END, CASE WHEN client_port > 0 THEN client_address END, message_id FROM
              (SELECT * FROM done UNION ALL SELECT * FROM kept) s
        """;

    /// <summary>
    /// Moves messages to deferred, due after the given seconds, and their destinations' earliest due time with them. The destination's row is
    /// locked in any case, and written only where mail is due earlier: a version for each batch would be in everybody's way under a long report.
    /// </summary>
    public const string Defer =
        "WITH " + Alive +
        """
        , o AS MATERIALIZED (SELECT * FROM unnest($3::bigint[], $4::text[], $5::float8[], $6::bool[]) AS o(id, destination, seconds, warned)),
        moved AS (DELETE FROM mta_store.active m USING o, alive WHERE m.id = o.id AND m.epoch = $2
              RETURNING m.*, o.destination, o.seconds, o.warned OR m.warned AS was_warned),
        dest AS (INSERT INTO mta_store.destination (name, next_due)
              SELECT destination, now() + min(seconds) * interval '1 s' FROM o, alive GROUP BY destination ORDER BY destination
              ON CONFLICT (name) DO UPDATE SET next_due = excluded.next_due WHERE mta_store.destination.next_due > excluded.next_due)
        INSERT INTO mta_store.deferred (id, sender, size, recipient_count, flags, dsn_return, envelope_id, client_name, client_address, client_port,
              protocol, helo, message_id, filter, chunk_count, attempts, warned, destination, due_at)
        SELECT id, sender, size, recipient_count, flags, dsn_return, envelope_id, client_name, client_address, client_port,
              protocol, helo, message_id, filter, chunk_count, attempts + 1, was_warned, destination, now() + seconds * interval '1 s' FROM moved
        """;

    /// <summary>Outcomes of these recipients that this node wrote lately: a repeated batch that had been committed after all.</summary>
    public const string CountWritten =
        """
        SELECT count(*) FROM unnest($2::bigint[], $3::int[]) AS o(id, number)
        WHERE EXISTS (SELECT FROM mta.delivery_log l
            WHERE l.node = $1 AND l.message_id = o.id AND l.recipient_number = o.number AND l.at > now() - interval '1 hour')
        """;

    public const string CountDuplicates = "UPDATE mta.node SET possible_duplicates = possible_duplicates + $2 WHERE name = $1";

    /// <summary>Takes mail without an owner, oldest first, from above a floor that skips what earlier claims emptied.</summary>
    public const string ClaimIncoming =
        "WITH " + Alive +
        ", c AS MATERIALIZED (SELECT id FROM mta_store.incoming, alive WHERE id > $3 ORDER BY id LIMIT $4 FOR UPDATE OF incoming SKIP LOCKED)" +
        ", moved AS (DELETE FROM mta_store.incoming m USING c WHERE m.id = c.id RETURNING m.*)" +
        " INSERT INTO mta_store.active (" + MessageColumns + ", epoch) SELECT " + MessageColumns + ", $2 FROM moved RETURNING " + MessageColumns;

    /// <summary>
    /// Destinations with mail that is due or was asked for, the longest waiting first. One that was dead and has not shown since that it
    /// lives is to be tried with few messages; that was asked for counts more.
    /// </summary>
    public const string DueDestinations =
        """
        SELECT name, flush_at IS NOT NULL,
            flush_at IS NULL AND EXISTS (SELECT FROM mta_store.dead_destination d WHERE d.destination = destination.name AND d.dead_until > '-infinity')
        FROM mta_store.destination
        WHERE next_due <= now() AND (suspended_until IS NULL OR suspended_until <= now())
          AND NOT EXISTS (SELECT FROM mta_store.suspension s WHERE s.kind = 'destination' AND s.name = destination.name AND s.until > now())
          AND NOT EXISTS (SELECT FROM mta_store.suspension s WHERE s.kind = 'sender' AND '(sender) ' || s.name = destination.name AND s.until > now())
          AND (flush_at IS NOT NULL
               OR NOT EXISTS (SELECT FROM mta_store.dead_destination d WHERE d.destination = destination.name AND d.dead_until > now()))
        ORDER BY next_due LIMIT $1
        """;

    /// <summary>The flush that a claim answers.</summary>
    public const string FlushOf = "SELECT flush_at FROM mta_store.destination WHERE name = $1";

    /// <summary>
    /// Takes the due mail of one destination from a floor ($5) on. The limits are values of their own, not a join, so that the walk through the
    /// index ends where nothing is due any more: only a flush looks at what is due later. What it has locked it deletes where it stands (ctid): the
    /// mail of a small destination is all over the table, and each way by the primary key would be one more page that is in no cache.
    /// </summary>
    public const string ClaimDeferred =
        "WITH " + Alive +
        ", c AS MATERIALIZED (SELECT m.ctid AS place FROM mta_store.deferred m, alive WHERE m.destination = $3 AND m.due_at >= $5" +
        " AND m.due_at <= (SELECT CASE WHEN d.flush_at IS NULL THEN now() ELSE 'infinity' END FROM mta_store.destination d WHERE d.name = $3)" +
        " AND (m.due_at <= now() OR m.deferred_at < (SELECT d.flush_at FROM mta_store.destination d WHERE d.name = $3))" +
        " ORDER BY m.due_at LIMIT $4 FOR UPDATE OF m SKIP LOCKED)" +
        ", moved AS (DELETE FROM mta_store.deferred m WHERE m.ctid = ANY (ARRAY(SELECT place FROM c)) RETURNING m.*)" +
        ", owned AS (INSERT INTO mta_store.active (" + MessageColumns + ", epoch) SELECT " + MessageColumns + ", $2 FROM moved)" +
        " SELECT " + MessageColumns + ", due_at FROM moved";

    public const string RefreshDestination = "SELECT mta_store.refresh_destination($1, $2, $3)";

    /// <summary>Makes all deferred mail due: one row a destination, not one a message.</summary>
    public const string FlushAll =
        "WITH alive AS MATERIALIZED (SELECT mta_store.revive(NULL)) UPDATE mta_store.destination SET next_due = now(), flush_at = now() FROM alive";

    public const string FlushDestination =
        "WITH alive AS MATERIALIZED (SELECT mta_store.revive(lower($1))) UPDATE mta_store.destination SET next_due = now(), flush_at = now() FROM alive WHERE name = lower($1)";

    // Follows a list m of destinations: what people flush is not dead any more.
    private const string Revived = "alive AS MATERIALIZED (SELECT destination, mta_store.revive(destination) FROM (SELECT DISTINCT destination FROM m) m) ";

    // A time before all mail: who claims it is to forget what is known against the destination, but only what is due is taken.
    private const string DueNow = "UPDATE mta_store.destination d SET next_due = now(), flush_at = coalesce(d.flush_at, '-infinity') ";

    public const string FlushMessage =
        "WITH m AS (UPDATE mta_store.deferred SET due_at = now() WHERE id = $1 RETURNING destination), " + Revived + DueNow + "FROM alive m WHERE d.name = m.destination";

    /// <summary>Goes through the recipients of all mail, which a site that people flush is worth.</summary>
    public const string FlushRecipientDomain =
        """
        WITH m AS (UPDATE mta_store.deferred SET due_at = now() WHERE destination <> lower($1) AND id = ANY (ARRAY(
              SELECT DISTINCT message_id FROM mta_store.recipient WHERE lower(substring(address FROM '[^@]*$')) = lower($1)))
              RETURNING destination),
        """ + " " + Revived + DueNow + "FROM alive m WHERE d.name = m.destination";

    /// <summary>What administrators ask of mail that this epoch owns, and of mail that nobody owns any more.</summary>
    public const string PendingRequests =
        """
        SELECT r.message_id, r.action, r.in_delivery, a.id IS NULL FROM mta_store.request r LEFT JOIN mta_store.active a ON a.id = r.message_id
        WHERE a.id IS NULL OR a.epoch = $1
        """;

    public const string Suspensions = "SELECT kind, name FROM mta_store.suspension WHERE until > now()";

    public const string MarkInDelivery = "UPDATE mta_store.request SET in_delivery = true WHERE message_id = ANY ($1) AND NOT in_delivery";

    public const string ApplyRequests = "SELECT mta_store.apply_requests()";

    public const string ExpireOwned = "SELECT mta_store.expire_owned($1, $2)";

    /// <summary>Does what is asked of messages whose round was broken off for it.</summary>
    public const string ApplyOwned = "WITH " + Alive + " SELECT mta_store.apply_owned($2, $3::bigint[]) FROM alive";

    public const string ReturnReason = "SELECT reason FROM mta_store.recipient WHERE message_id = $1 ORDER BY number LIMIT 1";

    public const string Recipients =
        """
        SELECT message_id, number, address, original, notify, original_recipient FROM mta_store.recipient
        WHERE message_id = ANY ($1) ORDER BY message_id, number
        """;

    public const string RecipientWindow =
        """
        SELECT number, address, original, notify, original_recipient FROM mta_store.recipient
        WHERE message_id = $1 AND number > $2 ORDER BY number LIMIT $3
        """;

    /// <summary>The contents of messages that have one chunk.</summary>
    public const string WholeContents = "SELECT message_id, data FROM mta_store.contents_of($1) WHERE chunk = 0";

    public const string ContentChunk = "SELECT mta_store.content_chunk($1, $2)";

    public const string RecycleContent = "SELECT mta_store.recycle_content()";

    public const string UploadBegin =
        "WITH " + Alive + " INSERT INTO mta_store.upload (message_id, epoch) SELECT $3, $2 FROM alive";

    public const string UploadChunk =
        "WITH " + Alive + " INSERT INTO mta_store.content (message_id, chunk, data) SELECT $3, $4, $5 FROM alive" +
        " ON CONFLICT (message_id, chunk) DO UPDATE SET data = excluded.data";

    public const string UploadAbort =
        "WITH c AS (DELETE FROM mta_store.content WHERE message_id = $1) DELETE FROM mta_store.upload WHERE message_id = $1";

    /// <summary>Chunks that are there, for the check before the message becomes visible.</summary>
    public const string CountChunks = "SELECT count(*) FROM mta_store.content WHERE message_id = $1 AND chunk < $2";

    public const string MarkCorrupt =
        "WITH " + Alive + ", moved AS (DELETE FROM mta_store.active m USING alive WHERE m.id = $3 AND m.epoch = $2 RETURNING m.*)" +
        " INSERT INTO mta_store.corrupt (" + MessageColumns + ", reason) SELECT " + MessageColumns + ", $4 FROM moved";

    /// <summary>What the epoch owns but the node does not hold.</summary>
    public const string Owned = "SELECT " + MessageColumns + " FROM mta_store.active WHERE epoch = $1 AND NOT id = ANY ($2)";
}
