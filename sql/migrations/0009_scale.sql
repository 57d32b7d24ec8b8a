-- What millions of deferred messages need: claims that walk nothing twice.

-- Sets a destination's earliest due time from what is left, after a claim that found less than it asked for. The row is locked first and the mail
-- is looked at afterwards, by a statement that sees what was deferred until then: who defers mail holds this row until it has committed.
-- A flush that the claim did not see (seen_flush) stays. A floor is where the claim began; what was locked below it is looked for again soon.
CREATE FUNCTION mta_store.refresh_destination(destination text, seen_flush timestamptz, floor timestamptz) RETURNS void LANGUAGE plpgsql AS $body$
#variable_conflict use_variable
DECLARE
    found_row mta_store.destination;
    due timestamptz;
BEGIN
    SELECT * INTO found_row FROM mta_store.destination t WHERE t.name = destination FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR found_row.flush_at IS DISTINCT FROM seen_flush THEN
        RETURN;
    END IF;
    SELECT min(m.due_at) INTO due FROM mta_store.deferred m WHERE m.destination = destination AND m.due_at >= floor;
    IF floor > '-infinity' THEN
        due := least(due, clock_timestamp() + interval '30 s');
    END IF;
    IF due IS NOT NULL THEN
        UPDATE mta_store.destination t SET next_due = due, flush_at = NULL
        WHERE t.name = destination AND (t.next_due <> due OR t.flush_at IS NOT NULL);
    ELSIF found_row.suspended_until IS NULL THEN
        DELETE FROM mta_store.destination t WHERE t.name = destination;
    END IF;
END
$body$;

-- Does one thing with many messages, as mta_store.administer does it with one, in a few statements for all of them: hold, release, requeue,
-- delete or expire. What is in a queue that nobody works on (deferred, incoming, hold) goes at once; the rest, and what moves meanwhile, goes
-- message by message. Messages are locked in the order of their ids, as far as the plan follows it.
CREATE FUNCTION mta_store.administer_many(ids bigint[], action text, by_role text, operator text)
    RETURNS TABLE (message_id bigint, result text) LANGUAGE plpgsql SET enable_seqscan = off AS $body$
#variable_conflict use_variable
DECLARE
    wanted bigint[] := ARRAY(SELECT DISTINCT u.id FROM unnest(ids) AS u(id) ORDER BY u.id);
    done bigint[];
BEGIN
    CASE action
        WHEN 'hold' THEN
            WITH d AS (DELETE FROM mta_store.deferred q USING unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.*),
            i AS (DELETE FROM mta_store.incoming q USING unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.*),
            moved AS (INSERT INTO mta_store.hold
                SELECT m.*, now(), by_role FROM (
                    SELECT d.id, d.sender, d.size, d.recipient_count, d.flags, d.dsn_return, d.envelope_id, d.client_name, d.client_address,
                           d.client_port, d.protocol, d.helo, d.message_id, d.filter, d.chunk_count, d.attempts, d.warned FROM d
                    UNION ALL SELECT i.* FROM i) m
                RETURNING id)
            SELECT array_agg(moved.id) INTO done FROM moved;
        WHEN 'release' THEN
            WITH h AS (DELETE FROM mta_store.hold q USING unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.*),
            moved AS (INSERT INTO mta_store.deferred
                SELECT h.id, h.sender, h.size, h.recipient_count, h.flags, h.dsn_return, h.envelope_id, h.client_name, h.client_address,
                       h.client_port, h.protocol, h.helo, h.message_id, h.filter, h.chunk_count, h.attempts, h.warned, '(released)', now(), now()
                FROM h RETURNING id)
            SELECT array_agg(moved.id) INTO done FROM moved;
            IF done IS NOT NULL THEN
                PERFORM mta_store.destination_is_due('(released)');
            END IF;
        WHEN 'requeue' THEN
            WITH d AS (DELETE FROM mta_store.deferred q USING unnest(wanted) AS u(id) WHERE q.id = u.id
                RETURNING q.id, q.sender, q.dsn_return, q.envelope_id, q.flags, q.size, q.chunk_count),
            i AS (DELETE FROM mta_store.incoming q USING unnest(wanted) AS u(id) WHERE q.id = u.id
                RETURNING q.id, q.sender, q.dsn_return, q.envelope_id, q.flags, q.size, q.chunk_count),
            h AS (DELETE FROM mta_store.hold q USING unnest(wanted) AS u(id) WHERE q.id = u.id
                RETURNING q.id, q.sender, q.dsn_return, q.envelope_id, q.flags, q.size, q.chunk_count),
            m AS MATERIALIZED (SELECT * FROM d UNION ALL SELECT * FROM i UNION ALL SELECT * FROM h),
            r AS (DELETE FROM mta_store.recipient q USING m WHERE q.message_id = m.id RETURNING q.message_id, q.number, q.address, q.notify),
            addressed AS MATERIALIZED (SELECT r.message_id AS id, array_agg(r.address ORDER BY r.number) AS recipients,
                    CASE WHEN min(r.notify) = max(r.notify) THEN min(r.notify) ELSE 0 END AS notify
                FROM r GROUP BY r.message_id),
            moved AS (INSERT INTO mta_store.maildrop (id, sender, recipients, notify, dsn_return, envelope_id, flags, submitted_by, size, chunk_count)
                SELECT m.id, m.sender, a.recipients, coalesce(a.notify, 0), m.dsn_return, m.envelope_id, m.flags & 3, by_role, m.size, m.chunk_count
                FROM m LEFT JOIN addressed a ON a.id = m.id RETURNING id),
            c AS (DELETE FROM mta_store.content q USING m WHERE q.message_id = m.id),
            -- As of the beginning of this statement, before the line above.
            copied AS (INSERT INTO mta_store.maildrop_chunk SELECT x.message_id, x.chunk, x.data FROM mta_store.contents_of(ARRAY(SELECT m.id FROM m)) x)
            SELECT array_agg(moved.id) INTO done FROM moved;
        WHEN 'delete' THEN
            WITH d AS (DELETE FROM mta_store.deferred q USING unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.id),
            i AS (DELETE FROM mta_store.incoming q USING unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.id),
            h AS (DELETE FROM mta_store.hold q USING unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.id),
            m AS MATERIALIZED (SELECT * FROM d UNION ALL SELECT * FROM i UNION ALL SELECT * FROM h),
            r AS (DELETE FROM mta_store.recipient q USING m WHERE q.message_id = m.id),
            c AS (DELETE FROM mta_store.content q USING m WHERE q.message_id = m.id)
            SELECT array_agg(m.id) INTO done FROM m;
        WHEN 'expire' THEN
            WITH d AS (UPDATE mta_store.deferred q SET flags = q.flags | 16 FROM unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.id),
            i AS (UPDATE mta_store.incoming q SET flags = q.flags | 16 FROM unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.id),
            h AS (UPDATE mta_store.hold q SET flags = q.flags | 16 FROM unnest(wanted) AS u(id) WHERE q.id = u.id RETURNING q.id)
            SELECT array_agg(m.id) INTO done FROM (SELECT * FROM d UNION ALL SELECT * FROM i UNION ALL SELECT * FROM h) m;
    END CASE;
    done := coalesce(done, '{}');
    INSERT INTO mta_store.admin_log (action, message_id, result, by_role, operator) SELECT action, u.id, 'done', by_role, operator FROM unnest(done) AS u(id);
    RETURN QUERY SELECT u.id, 'done' FROM unnest(done) AS u(id);
    IF cardinality(done) < cardinality(wanted) THEN
        RETURN QUERY SELECT u.id, mta_store.administer(u.id, action, NULL, by_role, operator)
            FROM (SELECT w.id FROM unnest(wanted) AS w(id) EXCEPT SELECT d.id FROM unnest(done) AS d(id) ORDER BY 1) u;
    END IF;
END
$body$;
