-- What nodes know together about destinations: who may use how much of a concurrency or rate limit, and which destinations are dead.

-- Shares ----------------------------------------------------------------------------------------------------------------------------

-- By how many nodes this one divides limits: 1 uses all of each, n uses limit/(2n) of each without asking, and what is granted to it in
-- mta_store.destination_share beyond that; 0 uses only what is granted to it. NULL: it delivers nothing. Only mta_store.exchange_shares
-- changes it, so that the parts and the grants are never more than the limit together.
ALTER TABLE mta.node ADD COLUMN share_nodes smallint;

-- Slots of a limit that nodes hold beyond their own part. A row goes when its node wants and holds nothing.
CREATE TABLE mta_store.destination_share (
    -- transport:destination, or transport: for the whole transport with a rate delay.
    name text NOT NULL,
    -- Who holds it; 0 for the row that says when the next delivery may begin.
    epoch bigint NOT NULL,
    slots integer NOT NULL,
    granted integer NOT NULL,
    wanted integer NOT NULL,
    -- Since when the node has none and wants some: who waits longest is first.
    waiting_since timestamptz,
    asked_at timestamptz NOT NULL,
    -- Seconds between two deliveries, with a rate delay.
    delay real NOT NULL DEFAULT 0,
    not_before timestamptz,
    PRIMARY KEY (name, epoch),
    CONSTRAINT share_is_not_negative CHECK (granted >= 0 AND wanted >= 0 AND slots > 0)
) WITH (fillfactor = 50);
CREATE INDEX destination_share_epoch ON mta_store.destination_share (epoch);

-- What a node that divides by so many uses of a limit without asking.
CREATE FUNCTION mta_store.own_part(slots integer, nodes integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN nodes IS NULL OR nodes <= 0 THEN 0 WHEN nodes = 1 THEN slots ELSE slots / (2 * nodes) END
$body$;

-- A node tells what it holds and wants beyond its own part, and hears what it may use. known is what it divides by already; names and the
-- other arrays are parallel. held is what it cannot or will not give back now: that stays granted, whatever else. The first row of the answer
-- has no name: nodes is what to divide by from now on. No row at all: the epoch has ended, and with it all that was granted to it.
-- One at a time, for all nodes: they exchange a few times a second, and not at all when there is one.
CREATE FUNCTION mta_store.exchange_shares(
    node_name text, node_epoch bigint, known integer,
    names text[], slots integer[], held integer[], wanted integer[], delays real[], waits real[])
    RETURNS TABLE (nodes integer, name text, granted integer, fair integer, others_want boolean, others_starve boolean, wait real)
    LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    mine integer;
    next integer;
    live integer;
    behind boolean;
    parts integer;
    pool integer;
    own mta_store.destination_share;
    other record;
    since timestamptz;
    give integer;
BEGIN
    -- First the epoch's row, which whoever ends the epoch may hold for long, and then the lock that all wait for.
    PERFORM FROM mta_store.live_epoch l WHERE l.node = node_name AND l.epoch = node_epoch FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('mta.exchange_shares'));

    SELECT n.share_nodes INTO mine FROM mta.node n WHERE n.name = node_name;
    mine := coalesce(mine, 0);
    SELECT count(*) + 1, coalesce(bool_or(n.share_nodes > 0 AND n.share_nodes < (
               SELECT count(*) FROM mta.node l WHERE l.state = 'live' AND (l.share_nodes IS NOT NULL OR l.name = node_name))), false)
        INTO live, behind
        FROM mta.node n WHERE n.state = 'live' AND n.name <> node_name AND n.share_nodes IS NOT NULL;
    next := CASE
        WHEN live = 1 THEN 1
        -- Its part has become smaller already.
        WHEN mine > 0 AND known > mine THEN known
        WHEN mine = live THEN mine
        -- Its part may grow when all others have theirs, and nobody has more than that leaves.
        WHEN mine < live AND mine > 0 THEN mine
        WHEN behind OR EXISTS (
            SELECT FROM mta_store.destination_share s WHERE s.epoch <> 0 GROUP BY s.name
            HAVING sum(s.granted) > max(s.slots) - live * mta_store.own_part(max(s.slots), live)) THEN mine
        ELSE live
    END;
    UPDATE mta.node n SET share_nodes = next WHERE n.name = node_name AND n.share_nodes IS DISTINCT FROM next;
    nodes := next;
    RETURN NEXT;
    IF next = 1 THEN
        DELETE FROM mta_store.destination_share s WHERE s.epoch = node_epoch;
        RETURN;
    END IF;

    FOR i IN 1..coalesce(cardinality(names), 0) LOOP
        -- What is kept for the nodes' own parts, also for those that are about to have one.
        SELECT sum(greatest(mta_store.own_part(slots[i], n.share_nodes), mta_store.own_part(slots[i], live))) INTO parts
            FROM mta.node n WHERE n.state = 'live' AND n.share_nodes IS NOT NULL;
        pool := greatest(slots[i] - parts, 0);
        SELECT * INTO own FROM mta_store.destination_share s WHERE s.name = names[i] AND s.epoch = node_epoch;
        since := CASE WHEN held[i] > 0 THEN NULL ELSE coalesce(own.waiting_since, clock_timestamp()) END;
        SELECT coalesce(sum(s.granted), 0) AS granted,
               count(*) FILTER (WHERE s.wanted > s.granted AND s.asked_at > clock_timestamp() - interval '3 s') AS unmet,
               count(*) FILTER (WHERE s.wanted > 0 AND s.granted = 0 AND s.asked_at > clock_timestamp() - interval '3 s') AS starving,
               count(*) FILTER (WHERE s.wanted > 0 AND s.granted = 0 AND s.asked_at > clock_timestamp() - interval '3 s'
                                  AND (since IS NULL OR s.waiting_since < since)) AS before,
               count(*) FILTER (WHERE s.granted > 0 OR s.asked_at > clock_timestamp() - interval '3 s') AS wanting
            INTO other
            FROM mta_store.destination_share s WHERE s.name = names[i] AND s.epoch NOT IN (0, node_epoch);
        fair := greatest(1, ceil(pool / (other.wanting + 1.0))::integer);
        give := greatest(held[i], least(
            wanted[i],
            CASE WHEN other.unmet > 0 THEN fair ELSE wanted[i] END,
            (pool - other.granted - other.before)::integer));

        IF waits[i] > 0 THEN
            INSERT INTO mta_store.destination_share AS s (name, epoch, slots, granted, wanted, asked_at, delay, not_before)
                VALUES (names[i], 0, slots[i], 0, 0, clock_timestamp(), delays[i], clock_timestamp() + waits[i] * interval '1 s')
                ON CONFLICT ON CONSTRAINT destination_share_pkey DO UPDATE SET not_before = greatest(s.not_before, excluded.not_before), delay = excluded.delay;
        END IF;
        SELECT greatest(0, extract(epoch FROM s.not_before - clock_timestamp()))::real INTO wait
            FROM mta_store.destination_share s WHERE s.name = names[i] AND s.epoch = 0;
        IF wait = 0 THEN
            DELETE FROM mta_store.destination_share s WHERE s.name = names[i] AND s.epoch = 0;
        END IF;

        IF give = 0 AND wanted[i] = 0 THEN
            DELETE FROM mta_store.destination_share s WHERE s.name = names[i] AND s.epoch = node_epoch;
        ELSE
            since := CASE WHEN give = 0 THEN since END;
            INSERT INTO mta_store.destination_share AS s (name, epoch, slots, granted, wanted, waiting_since, asked_at, delay)
                VALUES (names[i], node_epoch, slots[i], give, wanted[i], since, clock_timestamp(), delays[i])
                ON CONFLICT ON CONSTRAINT destination_share_pkey DO UPDATE SET
                    slots = excluded.slots, granted = excluded.granted, wanted = excluded.wanted, waiting_since = excluded.waiting_since,
                    asked_at = excluded.asked_at, delay = excluded.delay
                WHERE s.slots <> excluded.slots OR s.granted <> excluded.granted OR s.wanted <> excluded.wanted
                   OR s.waiting_since IS DISTINCT FROM excluded.waiting_since OR s.asked_at < excluded.asked_at - interval '1 s';
        END IF;
        name := names[i];
        granted := give;
        others_want := other.unmet > 0;
        others_starve := other.starving > 0;
        wait := coalesce(wait, 0);
        RETURN NEXT;
    END LOOP;
END
$body$;

-- The node delivers no more, and uses no share.
CREATE FUNCTION mta_store.leave_shares(node_name text, node_epoch bigint) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE mta.node n SET share_nodes = NULL WHERE n.name = node_name AND n.epoch = node_epoch;
    IF FOUND THEN
        PERFORM mta_store.release_shares(node_epoch);
    END IF;
END
$body$;

-- Gives back what an epoch held. Its last delivery under a rate delay may have been a moment ago.
CREATE FUNCTION mta_store.release_shares(ended bigint) RETURNS void LANGUAGE sql AS $body$
    WITH gone AS (DELETE FROM mta_store.destination_share WHERE epoch = ended RETURNING *)
    INSERT INTO mta_store.destination_share AS s (name, epoch, slots, granted, wanted, asked_at, delay, not_before)
        SELECT name, 0, slots, 0, 0, clock_timestamp(), delay, clock_timestamp() + delay * interval '1 s' FROM gone WHERE delay > 0 AND granted > 0
        ON CONFLICT ON CONSTRAINT destination_share_pkey DO UPDATE SET not_before = greatest(s.not_before, excluded.not_before)
$body$;

-- Dead destinations -----------------------------------------------------------------------------------------------------------------

-- What nodes found dead: mail for it is deferred with this reason, without an attempt, until then. Later the row says that it has still to
-- show that it lives: one node tries a few messages first. A success anywhere sets dead_until to -infinity, for the others to read.
CREATE TABLE mta_store.dead_destination (
    -- transport:destination
    name text PRIMARY KEY,
    -- The next hop whose deferred mail waits; NULL where one of its recipients alone is dead.
    destination text,
    dead_until timestamptz NOT NULL,
    dsn text NOT NULL,
    reason text NOT NULL,
    -- Who found it, or who tries meanwhile: that node does not hear of it again.
    epoch bigint NOT NULL,
    node text NOT NULL,
    -- A node has tried it since it was last found dead, or is about to.
    probed boolean NOT NULL DEFAULT false,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
CREATE INDEX dead_destination_changed ON mta_store.dead_destination (changed_at);
CREATE INDEX dead_destination_destination ON mta_store.dead_destination (destination);

-- Forgets that a destination is dead; all of them without a name.
CREATE FUNCTION mta_store.revive(destination text) RETURNS void LANGUAGE sql AS $body$
    UPDATE mta_store.dead_destination d SET dead_until = '-infinity', epoch = 0, changed_at = clock_timestamp()
    WHERE (revive.destination IS NULL OR d.destination = revive.destination) AND d.dead_until > '-infinity'
$body$;

-- For people ------------------------------------------------------------------------------------------------------------------------

-- One row for each next hop of which something is known: when its deferred mail is due, whether it is dead or suspended, and who uses which
-- part of its limit beyond limit/(2n). How much mail waits is not counted: SELECT count(*) FROM mta.deferred WHERE destination = ...
CREATE VIEW mta.destination AS
    WITH dead AS (
        SELECT coalesce(d.destination, d.name) AS name, max(d.dead_until) AS dead_until, max(d.reason) AS reason, max(d.node) AS found_by
        FROM mta_store.dead_destination d WHERE d.dead_until > clock_timestamp() GROUP BY 1),
    suspended AS (SELECT s.name, s.until FROM mta_store.suspension s WHERE s.kind = 'destination' AND s.until > clock_timestamp()),
    shares AS (
        SELECT substr(s.name, strpos(s.name, ':') + 1) AS name, max(s.not_before) AS not_before,
               jsonb_object_agg(n.name || ' ' || split_part(s.name, ':', 1), jsonb_build_object('granted', s.granted, 'wanted', s.wanted)
                   ORDER BY n.name) FILTER (WHERE n.name IS NOT NULL) AS shares
        FROM mta_store.destination_share s LEFT JOIN mta.node n ON n.epoch = s.epoch GROUP BY 1)
    SELECT name, t.next_due, t.flush_at, dead.dead_until, dead.reason, dead.found_by, suspended.until AS suspended_until, shares.not_before, shares.shares
    FROM mta_store.destination t FULL JOIN dead USING (name) FULL JOIN suspended USING (name) FULL JOIN shares USING (name);
