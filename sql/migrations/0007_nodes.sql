-- Nodes for people: what each is doing, nodes that are drained for maintenance, and nodes that are gone for good.

ALTER TABLE mta.node
    -- Told with the heartbeat: messages that the node owns, deliveries that agents have in hand.
    ADD COLUMN active_messages integer NOT NULL DEFAULT 0,
    ADD COLUMN deliveries integer NOT NULL DEFAULT 0,
    -- False on a node that only receives: it claims no mail.
    ADD COLUMN delivers boolean NOT NULL DEFAULT true,
    -- Rejected commands, since its start, that are in its log alone.
    ADD COLUMN rejects_lost bigint NOT NULL DEFAULT 0,
    -- Set by an administrator: the node takes no new mail and gives back what it has. It holds over restarts.
    ADD COLUMN drained_at timestamptz,
    ADD COLUMN drained_by text;

-- What mta.node means now. expired: the node is silent; another one ends its epoch after the grace.
CREATE VIEW mta.node_status AS
    SELECT name, host,
           CASE WHEN state = 'ended' THEN 'ended' WHEN lease_until <= clock_timestamp() THEN 'expired' WHEN drained_at IS NOT NULL THEN 'drained' ELSE 'live' END AS state,
           drained_at, drained_by, program_version, started_at,
           CASE WHEN state = 'live' THEN lease_until - clock_timestamp() END AS lease_left,
           clock_timestamp() - heartbeat_at AS heartbeat_age,
           CASE WHEN state = 'live' THEN active_messages ELSE 0 END AS active_messages,
           CASE WHEN state = 'live' THEN deliveries ELSE 0 END AS deliveries,
           delivers, possible_duplicates, rejects_lost, process_id
    FROM mta.node;

-- From its next heartbeat on the node takes no new mail and claims none; deliveries under way end, the rest goes back to incoming.
CREATE FUNCTION mta.drain_node(name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    UPDATE mta.node n SET drained_at = coalesce(n.drained_at, now()), drained_by = coalesce(n.drained_by, session_user) WHERE n.name = drain_node.name;
    IF NOT FOUND THEN
        RETURN 'not found';
    END IF;
    INSERT INTO mta_store.admin_log (action, subject, result) VALUES ('drain_node', drain_node.name, 'done');
    RETURN 'done';
END
$body$;

CREATE FUNCTION mta.undrain_node(name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    UPDATE mta.node n SET drained_at = NULL, drained_by = NULL WHERE n.name = undrain_node.name;
    IF NOT FOUND THEN
        RETURN 'not found';
    END IF;
    INSERT INTO mta_store.admin_log (action, subject, result) VALUES ('undrain_node', undrain_node.name, 'done');
    RETURN 'done';
END
$body$;

-- Takes a node that does not run off the list; what is left of its mail goes to incoming first. One with a lease is refused: stop it before.
-- Its possible duplicates stay in the log of administration.
CREATE FUNCTION mta.remove_node(name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $body$
DECLARE
    old mta.node;
BEGIN
    PERFORM FROM mta_store.live_epoch l WHERE l.node = remove_node.name FOR UPDATE;
    SELECT n.* INTO old FROM mta.node n WHERE n.name = remove_node.name FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not found';
    END IF;
    IF old.state = 'live' AND old.lease_until > clock_timestamp() THEN
        RAISE EXCEPTION 'node "%" is live: its lease ends in % s unless it renews it; stop it first',
            old.name, ceil(extract(epoch FROM old.lease_until - clock_timestamp())) USING ERRCODE = 'object_in_use';
    END IF;
    IF old.state = 'live' THEN
        PERFORM mta.end_epoch(old.name, old.epoch);
    END IF;
    DELETE FROM mta.node n WHERE n.name = remove_node.name;
    INSERT INTO mta_store.admin_log (action, subject, reason, result)
        VALUES ('remove_node', old.name, 'possible duplicates: ' || old.possible_duplicates, 'done');
    RETURN 'done';
END
$body$;

-- Rows of the log of administration go by age; see admin_log_retention.
CREATE INDEX admin_log_at ON mta_store.admin_log USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- Nodes are upgraded one by one. A schema that older programs cannot live with waits until none of them runs any more.
CREATE FUNCTION mta_store.refuse_to_outdate() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    older text;
BEGIN
    SELECT string_agg(n.name || ' (' || n.program_version || ')', ', ' ORDER BY n.name) INTO older FROM mta.node n
    WHERE n.state = 'live' AND n.lease_until > clock_timestamp() AND n.program_version ~ '^\d+(\.\d+)*$'
      AND string_to_array(n.program_version, '.')::integer[] < string_to_array(NEW.oldest_program, '.')::integer[];
    IF older IS NOT NULL THEN
        RAISE EXCEPTION 'this schema needs programs of version % or later, and older ones are running: %; upgrade or stop them first', NEW.oldest_program, older
            USING ERRCODE = 'object_in_use';
    END IF;
    RETURN NEW;
END
$body$;

CREATE TRIGGER refuse_to_outdate BEFORE UPDATE OF oldest_program ON mta.schema_compatibility
    FOR EACH ROW EXECUTE FUNCTION mta_store.refuse_to_outdate();
