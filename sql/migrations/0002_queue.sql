-- The queue: nodes and their epochs, messages by stage of life, recipients, content, destinations of deferred mail, delivery history.
-- States and moves are drawn in sql/README.md.

-- Nodes -----------------------------------------------------------------------------------------------------------------------------

CREATE SEQUENCE mta.epoch_seq;
-- Each epoch gets another number, so that the ids of a restarted node cannot repeat whatever its clock does.
CREATE SEQUENCE mta.node_number_seq AS smallint MINVALUE 16 MAXVALUE 4095 CYCLE;

-- One row a node, with its heartbeat.
CREATE TABLE mta.node (
    name text PRIMARY KEY,
    number smallint NOT NULL,
    epoch bigint NOT NULL,
    -- The secret of the data directory: who knows it is the same node, restarted.
    instance text NOT NULL,
    state text NOT NULL,
    lease_until timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    -- No id above this one was made when the heartbeat was sent.
    id_bound bigint NOT NULL,
    host text NOT NULL,
    process_id integer NOT NULL,
    program_version text NOT NULL,
    possible_duplicates bigint NOT NULL DEFAULT 0,
    CONSTRAINT node_number_key UNIQUE (number),
    CONSTRAINT node_epoch_key UNIQUE (epoch),
    CONSTRAINT node_number_is_not_reserved_for_sql CHECK (number BETWEEN 16 AND 4095),
    CONSTRAINT node_state_known CHECK (state IN ('live', 'ended'))
) WITH (fillfactor = 50);

-- The epochs that live, one a node. Every transaction that inserts, claims or finishes rows for an epoch locks its row FOR KEY SHARE; who ends
-- the epoch deletes it. Nothing else changes it: were it the row with the heartbeat, a snapshot that stays open would keep a version of it for
-- each heartbeat, and all those transactions would have to go through them, each with a list of lockers of its own.
CREATE TABLE mta_store.live_epoch (
    node text PRIMARY KEY,
    epoch bigint NOT NULL
);

-- The last id bound of numbers that were in use before.
CREATE TABLE mta.node_number (
    number smallint PRIMARY KEY,
    id_bound bigint NOT NULL
);

-- Messages --------------------------------------------------------------------------------------------------------------------------

-- Mail that no node owns yet: surplus, receive-only nodes, SQL, and what an ended epoch left behind. Claims walk it by id.
CREATE TABLE mta_store.incoming (
    id bigint NOT NULL PRIMARY KEY,
    sender text NOT NULL,
    size bigint NOT NULL,
    recipient_count integer NOT NULL,
    flags integer NOT NULL DEFAULT 0,
    dsn_return smallint NOT NULL DEFAULT 0,
    envelope_id text,
    client_name text,
    client_address text,
    client_port integer NOT NULL DEFAULT 0,
    protocol text,
    helo text,
    message_id text,
    filter text,
    chunk_count integer NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    warned boolean NOT NULL DEFAULT false,
    CONSTRAINT message_has_recipients CHECK (recipient_count > 0),
    CONSTRAINT message_has_content CHECK (chunk_count > 0 AND size >= 0)
);

-- Mail that a node owns and holds in memory. A primary key and no other index: nobody scans it for work.
CREATE TABLE mta_store.active (LIKE mta_store.incoming INCLUDING ALL, epoch bigint NOT NULL);

-- Mail whose next attempt is in the future.
CREATE TABLE mta_store.deferred (
    LIKE mta_store.incoming INCLUDING ALL,
    -- The next hop of the last attempt, as a hint that groups mail; it is resolved again at each attempt.
    destination text NOT NULL,
    due_at timestamptz NOT NULL,
    deferred_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deferred_destination_due ON mta_store.deferred (destination, due_at);

CREATE TABLE mta_store.hold (LIKE mta_store.incoming INCLUDING ALL, held_at timestamptz NOT NULL DEFAULT now(), held_by text NOT NULL DEFAULT session_user);

-- Set aside by the program, never deleted by it.
CREATE TABLE mta_store.corrupt (LIKE mta_store.incoming INCLUDING ALL, corrupt_at timestamptz NOT NULL DEFAULT now(), reason text NOT NULL);

-- Recipients that are not finished, of messages in any queue. The reason is that of the last attempt.
CREATE TABLE mta_store.recipient (
    message_id bigint NOT NULL,
    number integer NOT NULL,
    address text NOT NULL,
    original text,
    notify smallint NOT NULL DEFAULT 0,
    original_recipient text,
    dsn text,
    reason text,
    PRIMARY KEY (message_id, number)
);

-- Content once, apart from the queue rows, in chunks numbered from 0. Small ones stay in the row and nothing is compressed. Here is what
-- streamed in, and what outlived its slot of new_content.
CREATE TABLE mta_store.content (
    message_id bigint NOT NULL,
    chunk integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (message_id, chunk)
) WITH (toast_tuple_target = 8160);
ALTER TABLE mta_store.content ALTER COLUMN data SET STORAGE EXTERNAL;

-- The content of mail that was just accepted, in slots of time. Most mail has left before its slot is closed: nobody deletes its row, and
-- the slot is truncated when what still lives has been copied to content. A snapshot that stays open keeps none of it.
CREATE TABLE mta_store.new_content (
    slot smallint NOT NULL,
    message_id bigint NOT NULL,
    chunk integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (message_id, chunk, slot)
) PARTITION BY LIST (slot);
ALTER TABLE mta_store.new_content ALTER COLUMN data SET STORAGE EXTERNAL;
DO $body$
BEGIN
    FOR slot IN 0..7 LOOP
        EXECUTE format('CREATE TABLE mta_store.new_content_%s PARTITION OF mta_store.new_content FOR VALUES IN (%s)
                        WITH (toast_tuple_target = 8160, autovacuum_enabled = false, toast.autovacuum_enabled = false)', slot, slot);
        EXECUTE format('ALTER TABLE mta_store.new_content_%s ALTER COLUMN data SET STORAGE EXTERNAL', slot);
    END LOOP;
END
$body$;

-- What was copied of a slot since it was truncated last, and the rows that it had then.
CREATE TABLE mta_store.content_slot (
    slot smallint PRIMARY KEY,
    copied_at timestamptz,
    row_count bigint NOT NULL DEFAULT 0,
    copied bigint[] NOT NULL DEFAULT '{}'
);
INSERT INTO mta_store.content_slot SELECT generate_series(0, 7);

-- The slot that is written at a time; each is open for 20 seconds. That a writer is late is no error: its row is found before the slot goes.
CREATE FUNCTION mta_store.slot_at(at timestamptz) RETURNS smallint LANGUAGE sql IMMUTABLE AS $body$
    SELECT (floor(extract(epoch FROM at) / 20)::bigint % 8)::smallint
$body$;

-- The content of all messages, each chunk once.
CREATE VIEW mta_store.any_content AS
    SELECT message_id, chunk, data FROM mta_store.content
    UNION ALL
    SELECT n.message_id, n.chunk, n.data FROM mta_store.new_content n
    WHERE NOT EXISTS (SELECT FROM mta_store.content c WHERE c.message_id = n.message_id AND c.chunk = n.chunk);

-- For readers. A slot grows from nothing to much within seconds, so a plan that was made for what it had then would walk through all of it;
-- and of a slot that it knows nothing of the planner expects enough to start parallel workers, which costs more than the reading.
CREATE FUNCTION mta_store.contents_of(messages bigint[]) RETURNS TABLE (message_id bigint, chunk integer, data bytea) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET max_parallel_workers_per_gather = 0 AS $body$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT c.message_id, c.chunk, c.data FROM mta_store.any_content c WHERE c.message_id = ANY (messages);
END
$body$;

-- Most of what is read piece by piece has outlived its slot, or never was in one. Both statements have the snapshot of the caller's.
CREATE FUNCTION mta_store.content_chunk(message bigint, number integer) RETURNS bytea LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $body$
DECLARE
    found_data bytea;
BEGIN
    SELECT c.data INTO found_data FROM mta_store.content c WHERE c.message_id = message AND c.chunk = number;
    IF NOT FOUND THEN
        SELECT n.data INTO found_data FROM mta_store.new_content n WHERE n.message_id = message AND n.chunk = number;
    END IF;
    RETURN found_data;
END
$body$;

-- One step of the life of one slot that is closed: copies what still lives, and, in another transaction and a slot's time later, truncates.
-- Between the two whoever began before the copy (pg_dump takes its snapshot first and its locks later) finds the rows in the slot. False when
-- there is nothing to do now, or another node does it.
CREATE FUNCTION mta_store.recycle_content() RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET enable_seqscan = off AS $body$
DECLARE
    state mta_store.content_slot;
    rows_now bigint;
    copied_now bigint[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('mta.recycle_content')) THEN
        RETURN false;
    END IF;
    SELECT s.* INTO state FROM mta_store.content_slot s
        WHERE s.slot NOT IN (mta_store.slot_at(clock_timestamp()), mta_store.slot_at(clock_timestamp() - interval '20 s'))
          AND (s.copied_at IS NULL OR s.copied_at < clock_timestamp() - interval '20 s')
          AND pg_relation_size(('mta_store.new_content_' || s.slot)::regclass) > 0
        ORDER BY s.copied_at LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    BEGIN
        -- Writers wait for each other's end here, readers do not. Each statement below has a snapshot later than this lock.
        EXECUTE format('LOCK TABLE mta_store.new_content_%s IN SHARE MODE', state.slot);
        EXECUTE format('SELECT count(*) FROM mta_store.new_content_%s', state.slot) INTO rows_now;
        IF state.copied_at IS NOT NULL AND rows_now = state.row_count THEN
            EXECUTE format('TRUNCATE mta_store.new_content_%s', state.slot);
            -- What ended while it was copied was not yet there for those who ended it.
            DELETE FROM mta_store.content c WHERE c.message_id = ANY (state.copied) AND NOT mta_store.is_queued(c.message_id);
            UPDATE mta_store.content_slot s SET copied_at = NULL, row_count = 0, copied = '{}' WHERE s.slot = state.slot;
            RETURN true;
        END IF;
    EXCEPTION WHEN lock_not_available THEN
        -- Somebody reads it for longer, as a backup does.
        UPDATE mta_store.content_slot s SET copied_at = clock_timestamp() WHERE s.slot = state.slot AND s.copied_at IS NOT NULL;
        RETURN false;
    END;
    EXECUTE format(
        'WITH copied AS (INSERT INTO mta_store.content SELECT n.message_id, n.chunk, n.data FROM mta_store.new_content_%s n
             WHERE mta_store.is_queued(n.message_id) ON CONFLICT DO NOTHING RETURNING message_id)
         SELECT coalesce(array_agg(message_id), ''{}'') FROM copied', state.slot) INTO copied_now;
    UPDATE mta_store.content_slot s SET copied_at = clock_timestamp(), row_count = rows_now, copied = state.copied || copied_now WHERE s.slot = state.slot;
    RETURN true;
END
$body$;

-- Whether a message is in a queue. It moves from one to another within one statement, so no snapshot misses it.
CREATE FUNCTION mta_store.is_queued(message bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $body$
BEGIN
    RETURN EXISTS (SELECT FROM mta_store.active WHERE id = message)
        OR EXISTS (SELECT FROM mta_store.incoming WHERE id = message)
        OR EXISTS (SELECT FROM mta_store.deferred WHERE id = message)
        OR EXISTS (SELECT FROM mta_store.hold WHERE id = message)
        OR EXISTS (SELECT FROM mta_store.corrupt WHERE id = message);
END
$body$;

-- Messages whose content is still streaming in; their chunks go when the epoch ends.
CREATE TABLE mta_store.upload (
    message_id bigint PRIMARY KEY,
    epoch bigint NOT NULL
);

-- Destinations with deferred mail: the earliest due time, a suspension, a flush that was asked for.
CREATE TABLE mta_store.destination (
    name text PRIMARY KEY,
    next_due timestamptz NOT NULL,
    suspended_until timestamptz,
    flush_at timestamptz
);
CREATE INDEX destination_next_due ON mta_store.destination (next_due);

-- Ends an epoch and gives its mail back. The deletion waits for the transactions in flight that hold FOR KEY SHARE on the row; later ones find
-- that their epoch has ended. That row is locked before the node's, by all. False when the epoch had ended already.
CREATE FUNCTION mta.end_epoch(node_name text, ended bigint) RETURNS boolean LANGUAGE plpgsql AS $body$
DECLARE
    node mta.node;
BEGIN
    DELETE FROM mta_store.live_epoch l WHERE l.node = node_name AND l.epoch = ended;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT * INTO STRICT node FROM mta.node WHERE name = node_name AND epoch = ended FOR UPDATE;
    INSERT INTO mta.node_number VALUES (node.number, node.id_bound)
        ON CONFLICT (number) DO UPDATE SET id_bound = greatest(mta.node_number.id_bound, excluded.id_bound);
    UPDATE mta.node SET epoch = nextval('mta.epoch_seq'), state = 'ended' WHERE name = node_name;
    PERFORM mta.release_epoch(ended);
    PERFORM pg_notify('mta_queue', '');
    RETURN true;
END
$body$;

-- Moves what an ended epoch owned to incoming, removes the pieces of messages that it did not finish receiving, and frees its shares of limits.
CREATE FUNCTION mta.release_epoch(ended bigint) RETURNS bigint LANGUAGE plpgsql AS $body$
DECLARE
    released bigint;
BEGIN
    WITH moved AS (DELETE FROM mta_store.active WHERE epoch = ended RETURNING *)
    INSERT INTO mta_store.incoming
        SELECT id, sender, size, recipient_count, flags, dsn_return, envelope_id, client_name, client_address, client_port, protocol, helo,
               message_id, filter, chunk_count, attempts, warned
        FROM moved;
    GET DIAGNOSTICS released = ROW_COUNT;
    -- What was asked of this mail is done before anybody can claim it.
    PERFORM mta_store.apply_requests();
    DELETE FROM mta_store.content WHERE message_id IN (SELECT message_id FROM mta_store.upload WHERE epoch = ended);
    DELETE FROM mta_store.upload WHERE epoch = ended;
    PERFORM mta_store.release_shares(ended);
    RETURN released;
END
$body$;

-- Begins an epoch of a node, ending an old one of the same instance at once. No row when another instance of this name holds a live lease.
CREATE FUNCTION mta.begin_epoch(
    node_name text, node_instance text, lease interval, node_host text, node_process_id integer, node_version text)
    RETURNS TABLE (epoch bigint, number smallint, id_floor bigint, drained boolean) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    old mta.node;
    new_number smallint;
    new_epoch bigint;
    bound bigint;
BEGIN
    -- One at a time, so that two nodes cannot take one number or one name.
    PERFORM pg_advisory_xact_lock(hashtext('mta.begin_epoch'));
    PERFORM FROM mta_store.live_epoch l WHERE l.node = node_name FOR UPDATE;
    SELECT * INTO old FROM mta.node n WHERE n.name = node_name FOR UPDATE;
    IF FOUND THEN
        IF old.state = 'live' AND old.instance <> node_instance AND old.lease_until > clock_timestamp() THEN
            RETURN;
        END IF;
        PERFORM mta.end_epoch(node_name, old.epoch);
    END IF;
    LOOP
        new_number := nextval('mta.node_number_seq');
        EXIT WHEN NOT EXISTS (SELECT FROM mta.node n WHERE n.number = new_number);
    END LOOP;
    SELECT nn.id_bound INTO bound FROM mta.node_number nn WHERE nn.number = new_number;
    new_epoch := nextval('mta.epoch_seq');
    INSERT INTO mta.node AS n (name, number, epoch, instance, state, lease_until, heartbeat_at, started_at, id_bound, host, process_id, program_version)
    VALUES (node_name, new_number, new_epoch, node_instance, 'live', clock_timestamp() + lease, clock_timestamp(), clock_timestamp(),
            coalesce(bound, 0), node_host, node_process_id, node_version)
    ON CONFLICT (name) DO UPDATE SET
        number = excluded.number, epoch = excluded.epoch, instance = excluded.instance, state = 'live', lease_until = excluded.lease_until,
        heartbeat_at = excluded.heartbeat_at, started_at = excluded.started_at, id_bound = excluded.id_bound, host = excluded.host,
        process_id = excluded.process_id, program_version = excluded.program_version, share_nodes = NULL;
    INSERT INTO mta_store.live_epoch VALUES (node_name, new_epoch);
    RETURN QUERY SELECT new_epoch, new_number, coalesce(bound, 0::bigint), coalesce(old.drained_at IS NOT NULL, false);
END
$body$;

-- History ---------------------------------------------------------------------------------------------------------------------------

-- One row for each attempt of each recipient, written in the transaction that finished or deferred it.
CREATE TABLE mta.delivery_log (
    at timestamptz NOT NULL DEFAULT now(),
    message_id bigint NOT NULL,
    recipient_number integer NOT NULL,
    node text NOT NULL,
    action smallint NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    original text,
    size bigint NOT NULL,
    transport text NOT NULL,
    relay text NOT NULL,
    dsn text NOT NULL,
    -- Seconds, the a/b/c/d of delays=.
    delay_before_queue real NOT NULL,
    delay_in_queue real NOT NULL,
    delay_connection real NOT NULL,
    delay_transmission real NOT NULL,
    reason text NOT NULL
) PARTITION BY RANGE (at);

-- Rows whose partition is missing land here, so that a missing one cannot stop deliveries.
CREATE TABLE mta.delivery_log_default PARTITION OF mta.delivery_log DEFAULT;

-- As the owner, for the daemon role makes no tables: makes the partitions of today and the next days, and drops those that ended before the retention.
CREATE FUNCTION mta.maintain_delivery_log(retention interval) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $body$
DECLARE
    day date;
    partition regclass;
    partition_name text;
BEGIN
    FOR day IN SELECT current_date + n FROM generate_series(0, 3) AS n LOOP
        partition_name := 'delivery_log_' || to_char(day, 'YYYYMMDD');
        IF to_regclass('mta.' || partition_name) IS NULL
           AND NOT EXISTS (SELECT FROM mta.delivery_log_default WHERE at >= day AND at < day + 1) THEN
            EXECUTE format('CREATE TABLE mta.%I PARTITION OF mta.delivery_log FOR VALUES FROM (%L) TO (%L)', partition_name, day, day + 1);
        END IF;
    END LOOP;
    FOR partition, partition_name IN
        SELECT i.inhrelid::regclass, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'mta.delivery_log'::regclass AND c.relname ~ '^delivery_log_[0-9]{8}$'
    LOOP
        IF to_date(right(partition_name, 8), 'YYYYMMDD') + 1 < now() - retention THEN
            EXECUTE format('DROP TABLE %s', partition);
        END IF;
    END LOOP;
    DELETE FROM mta.delivery_log_default WHERE at < now() - retention;
END
$body$;
