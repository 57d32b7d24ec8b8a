-- Administration: the views of the queues, and the functions that an administrator calls for messages picked by any predicate:
--   SELECT mta.hold(queue_id) FROM mta.queue WHERE sender LIKE '%@example.com' AND age > '1 hour';
-- Mail that no node owns is changed at once, in the caller's transaction. Mail that a node owns is only asked for: the node is the only
-- writer of its rows, reads the requests at least every two seconds, and applies them before it begins another delivery.

-- Tables ----------------------------------------------------------------------------------------------------------------------------

-- What administrators ask of mail that a node owns. The owner deletes the row in the transaction that does it.
CREATE TABLE mta_store.request (
    message_id bigint PRIMARY KEY,
    action text NOT NULL,
    reason text,
    requested_by text NOT NULL,
    operator text,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The owner has seen it while a delivery was under way, which it waits for.
    in_delivery boolean NOT NULL DEFAULT false,
    CONSTRAINT request_action_known CHECK (action IN ('hold', 'delete', 'requeue', 'expire', 'bounce'))
);

-- Destinations and senders whose mail is not tried until then; infinity for one that has to be resumed.
CREATE TABLE mta_store.suspension (
    kind text NOT NULL,
    name text NOT NULL,
    until timestamptz NOT NULL,
    suspended_by text NOT NULL DEFAULT session_user,
    suspended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, name),
    CONSTRAINT suspension_kind_known CHECK (kind IN ('destination', 'sender')),
    CONSTRAINT suspension_has_a_name CHECK (name <> '' AND name = lower(name))
);

-- What was done, by whom. Who uses one role for many people tells them apart with: SET mta.operator = 'name'.
CREATE TABLE mta_store.admin_log (
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text NOT NULL,
    message_id bigint,
    subject text,
    reason text,
    result text NOT NULL,
    by_role text NOT NULL DEFAULT session_user,
    operator text DEFAULT nullif(current_setting('mta.operator', true), '')
);
CREATE INDEX admin_log_message ON mta_store.admin_log (message_id);

-- Views -----------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION mta.queue_time(id bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT timestamptz '2020-01-01 00:00:00Z' + (id >> 12) * interval '1 microsecond'
$body$;

CREATE VIEW mta.incoming AS
    SELECT mta.queue_id(id) AS queue_id, id, sender, recipient_count AS recipients, size, mta.queue_time(id) AS arrived_at,
           now() - mta.queue_time(id) AS age, attempts, flags & 16 <> 0 AS expired, client_name, client_address, helo, protocol, message_id
    FROM mta_store.incoming;

CREATE VIEW mta.active AS
    SELECT mta.queue_id(a.id) AS queue_id, a.id, a.sender, a.recipient_count AS recipients, a.size, mta.queue_time(a.id) AS arrived_at,
           now() - mta.queue_time(a.id) AS age, a.attempts, a.flags & 16 <> 0 AS expired, a.client_name, a.client_address, a.helo, a.protocol,
           a.message_id, (SELECT n.name FROM mta.node n WHERE n.epoch = a.epoch) AS node,
           (SELECT r.action FROM mta_store.request r WHERE r.message_id = a.id) AS requested
    FROM mta_store.active a;

CREATE VIEW mta.deferred AS
    SELECT mta.queue_id(d.id) AS queue_id, d.id, d.sender, d.recipient_count AS recipients, d.size, mta.queue_time(d.id) AS arrived_at,
           now() - mta.queue_time(d.id) AS age, d.attempts, d.flags & 16 <> 0 AS expired, d.client_name, d.client_address, d.helo, d.protocol,
           d.message_id, d.destination, d.due_at, d.deferred_at,
           (SELECT r.reason FROM mta_store.recipient r WHERE r.message_id = d.id ORDER BY r.number LIMIT 1) AS reason
    FROM mta_store.deferred d;

CREATE VIEW mta.hold AS
    SELECT mta.queue_id(id) AS queue_id, id, sender, recipient_count AS recipients, size, mta.queue_time(id) AS arrived_at,
           now() - mta.queue_time(id) AS age, attempts, flags & 16 <> 0 AS expired, client_name, client_address, helo, protocol, message_id,
           held_at, held_by
    FROM mta_store.hold;

CREATE VIEW mta.corrupt AS
    SELECT mta.queue_id(id) AS queue_id, id, sender, recipient_count AS recipients, size, mta.queue_time(id) AS arrived_at,
           now() - mta.queue_time(id) AS age, attempts, flags & 16 <> 0 AS expired, client_name, client_address, helo, protocol, message_id,
           corrupt_at, reason
    FROM mta_store.corrupt;

-- All queues. A message is looked for quickest by its id: WHERE id = mta.queue_number('...').
CREATE VIEW mta.queue AS
    SELECT 'active'::text AS queue_name, queue_id, id, sender, recipients, size, arrived_at, age, attempts, expired, client_name, client_address,
           message_id, node, NULL::text AS destination, NULL::timestamptz AS due_at, NULL::text AS reason
    FROM mta.active
    UNION ALL
    SELECT 'incoming', queue_id, id, sender, recipients, size, arrived_at, age, attempts, expired, client_name, client_address, message_id,
           NULL, NULL, NULL, NULL
    FROM mta.incoming
    UNION ALL
    SELECT 'deferred', queue_id, id, sender, recipients, size, arrived_at, age, attempts, expired, client_name, client_address, message_id,
           NULL, destination, due_at, reason
    FROM mta.deferred
    UNION ALL
    SELECT 'hold', queue_id, id, sender, recipients, size, arrived_at, age, attempts, expired, client_name, client_address, message_id,
           NULL, NULL, NULL, NULL
    FROM mta.hold
    UNION ALL
    SELECT 'corrupt', queue_id, id, sender, recipients, size, arrived_at, age, attempts, expired, client_name, client_address, message_id,
           NULL, NULL, NULL, reason
    FROM mta.corrupt
    UNION ALL
    SELECT 'maildrop', mta.queue_id(id), id, sender, cardinality(recipients), size, mta.queue_time(id), now() - mta.queue_time(id), attempts,
           false, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM mta_store.maildrop WHERE upload_xact IS NULL;

-- Recipients that are not finished, of messages in any queue, with what the last attempt said.
CREATE VIEW mta.queue_recipient AS
    SELECT mta.queue_id(message_id) AS queue_id, message_id AS id, number, address, original, dsn, reason FROM mta_store.recipient;

CREATE VIEW mta.suspension AS
    SELECT kind, name, until, suspended_by, suspended_at FROM mta_store.suspension WHERE until > now();

CREATE VIEW mta.request AS
    SELECT mta.queue_id(message_id) AS queue_id, message_id AS id, action, reason, requested_by, operator, requested_at, in_delivery FROM mta_store.request;

CREATE VIEW mta.admin_log AS
    SELECT at, action, mta.queue_id(message_id) AS queue_id, message_id AS id, subject, reason, result, by_role, operator FROM mta_store.admin_log;

-- Mail in maildrop, and the door to it: INSERT INTO mta.maildrop (sender, recipients, message) VALUES (...) submits mail as mta.submit does,
-- in the transaction that inserts. The content, as text or as bytes, is written and never read.
CREATE VIEW mta.maildrop AS
    SELECT mta.queue_id(id) AS queue_id, id, sender, recipients, NULL::text AS message, NULL::bytea AS content, NULL::text AS notify,
           CASE dsn_return WHEN 1 THEN 'full' WHEN 2 THEN 'hdrs' END AS dsn_return, envelope_id, size, mta.queue_time(id) AS arrived_at,
           now() - mta.queue_time(id) AS age, submitted_by, attempts, taken_until
    FROM mta_store.maildrop WHERE upload_xact IS NULL;

CREATE FUNCTION mta.maildrop_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF (NEW.message IS NULL) = (NEW.content IS NULL) THEN
        RAISE EXCEPTION 'one of message (text) and content (bytes) is needed' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    NEW.queue_id := mta.submit(NEW.sender, NEW.recipients, coalesce(NEW.content, convert_to(NEW.message, 'UTF8')),
                               NEW.notify, NEW.dsn_return, NEW.envelope_id);
    NEW.id := mta.queue_number(NEW.queue_id);
    RETURN NEW;
END
$body$;

CREATE TRIGGER maildrop_insert INSTEAD OF INSERT ON mta.maildrop FOR EACH ROW EXECUTE FUNCTION mta.maildrop_insert();

-- Messages --------------------------------------------------------------------------------------------------------------------------

-- A destination of the administrators' own has mail that is due. Its row is shared with others who release, and kept until the commit from the
-- claim that finds nothing more in it.
CREATE FUNCTION mta_store.destination_is_due(due text) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM FROM mta_store.destination d WHERE d.name = due AND d.next_due <= now() FOR SHARE;
    IF NOT FOUND THEN
        INSERT INTO mta_store.destination AS d (name, next_due) VALUES (due, now()) ON CONFLICT (name) DO UPDATE SET next_due = now();
    END IF;
    PERFORM pg_notify('mta_flush', '');
END
$body$;

-- Puts a message that was just taken out of a queue where the action wants it. Mail that administrators make due waits under destinations
-- of its own, so that a large transaction never holds the row of one that deliveries wait for. No next hop has parentheses in its name.
CREATE FUNCTION mta_store.put(m mta_store.incoming, action text, reason text, by_role text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    due text;
BEGIN
    CASE action
        WHEN 'hold' THEN
            INSERT INTO mta_store.hold SELECT (m).*, now(), by_role;
        WHEN 'delete' THEN
            DELETE FROM mta_store.recipient r WHERE r.message_id = (m).id;
            DELETE FROM mta_store.content c WHERE c.message_id = (m).id;
        WHEN 'requeue' THEN
            -- Through maildrop, so that cleanup(8) rewrites addresses and expands aliases again.
            INSERT INTO mta_store.maildrop (id, sender, recipients, notify, dsn_return, envelope_id, flags, submitted_by, size, chunk_count)
                SELECT (m).id, (m).sender, array_agg(r.address ORDER BY r.number), CASE WHEN min(r.notify) = max(r.notify) THEN min(r.notify) ELSE 0 END,
                       (m).dsn_return, (m).envelope_id, (m).flags & 3, by_role, (m).size, (m).chunk_count
                FROM mta_store.recipient r WHERE r.message_id = (m).id;
            INSERT INTO mta_store.maildrop_chunk
                SELECT (m).id, n, data FROM generate_series(0, (m).chunk_count - 1) n, mta_store.content_chunk((m).id, n) data WHERE data IS NOT NULL;
            DELETE FROM mta_store.recipient r WHERE r.message_id = (m).id;
            DELETE FROM mta_store.content c WHERE c.message_id = (m).id;
        WHEN 'release', 'bounce' THEN
            due := '(released)';
            IF action = 'bounce' THEN
                due := '(returned)';
                UPDATE mta_store.recipient r SET dsn = '5.0.0', reason = put.reason WHERE r.message_id = (m).id;
                m.flags := (m).flags | 32;
            END IF;
            INSERT INTO mta_store.deferred SELECT (m).*, due, now(), now();
            PERFORM mta_store.destination_is_due(due);
    END CASE;
END
$body$;

-- Does what is asked of one message, or asks its owner. done: it is so now, or with the commit. requested: the node that owns it does it
-- within two seconds. in delivery: the owner has the request and waits for a delivery to end; what that delivers counts as delivered.
-- nothing to do: the message is in a queue that the action is not for. not found: it is in no queue.
CREATE FUNCTION mta_store.administer(id bigint, action text, reason text, by_role text, operator text) RETURNS text LANGUAGE plpgsql AS $body$
#variable_conflict use_variable
DECLARE
    m mta_store.incoming;
    result text;
    delivering boolean;
BEGIN
    -- Mail moves between queues while we look: what is in none at first sight is looked for again.
    FOR attempt IN 1..3 LOOP
        IF action = 'expire' THEN
            UPDATE mta_store.deferred q SET flags = q.flags | 16 WHERE q.id = id;
            IF NOT FOUND THEN
                UPDATE mta_store.incoming q SET flags = q.flags | 16 WHERE q.id = id;
                IF NOT FOUND THEN
                    UPDATE mta_store.hold q SET flags = q.flags | 16 WHERE q.id = id;
                END IF;
            END IF;
            IF FOUND THEN
                result := 'done';
            END IF;
        ELSE
            IF action <> 'release' THEN
                DELETE FROM mta_store.deferred q WHERE q.id = id RETURNING q.* INTO m;
                IF NOT FOUND THEN
                    DELETE FROM mta_store.incoming q WHERE q.id = id RETURNING q.* INTO m;
                END IF;
            END IF;
            IF m.id IS NULL AND action <> 'hold' THEN
                DELETE FROM mta_store.hold q WHERE q.id = id RETURNING q.* INTO m;
                IF NOT FOUND THEN
                    -- From corrupt a message goes when it is deleted, or back to delivery when somebody has looked at it.
                    IF action IN ('delete', 'release') THEN
                        DELETE FROM mta_store.corrupt q WHERE q.id = id RETURNING q.* INTO m;
                    END IF;
                    IF m.id IS NULL AND action = 'delete' THEN
                        DELETE FROM mta_store.maildrop q WHERE q.id = id AND q.upload_xact IS NULL;
                        IF FOUND THEN
                            result := 'done';
                        END IF;
                    END IF;
                END IF;
            END IF;
            IF m.id IS NOT NULL THEN
                PERFORM mta_store.put(m, action, reason, by_role);
                result := 'done';
            END IF;
        END IF;
        IF result IS NULL AND action = 'release' THEN
            -- Set aside in maildrop, by mta.hold_restored().
            UPDATE mta_store.maildrop q SET taken_until = NULL WHERE q.id = id AND q.taken_until = 'infinity';
            IF FOUND THEN
                result := 'done';
            END IF;
        END IF;
        EXIT WHEN result IS NOT NULL;

        IF EXISTS (SELECT FROM mta_store.active q WHERE q.id = id) THEN
            IF action = 'release' THEN
                -- It takes back a hold that its owner has not come to yet.
                DELETE FROM mta_store.request q WHERE q.message_id = id AND q.action = 'hold' AND NOT q.in_delivery;
                result := CASE WHEN FOUND THEN 'done' ELSE 'nothing to do' END;
            ELSE
                INSERT INTO mta_store.request AS q (message_id, action, reason, requested_by, operator) VALUES (id, action, reason, by_role, operator)
                    ON CONFLICT (message_id) DO UPDATE SET action = excluded.action, reason = excluded.reason, requested_by = excluded.requested_by,
                        operator = excluded.operator, requested_at = excluded.requested_at
                    RETURNING q.in_delivery INTO delivering;
                result := CASE WHEN delivering THEN 'in delivery' ELSE 'requested' END;
                -- Many in one transaction are one notification.
                PERFORM pg_notify('mta_request', '');
            END IF;
            EXIT;
        ELSIF EXISTS (SELECT FROM mta_store.hold q WHERE q.id = id) THEN
            result := CASE action WHEN 'hold' THEN 'done' ELSE 'nothing to do' END;
            EXIT WHEN action = 'hold';
        ELSIF EXISTS (SELECT FROM mta_store.deferred q WHERE q.id = id UNION ALL SELECT FROM mta_store.incoming q WHERE q.id = id
                      UNION ALL SELECT FROM mta_store.corrupt q WHERE q.id = id UNION ALL SELECT FROM mta_store.maildrop q WHERE q.id = id) THEN
            result := 'nothing to do';
            EXIT WHEN action = 'release';
        END IF;
    END LOOP;
    result := coalesce(result, 'not found');
    IF result IN ('done', 'requested', 'in delivery') THEN
        INSERT INTO mta_store.admin_log (action, message_id, reason, result, by_role, operator) VALUES (action, id, reason, result, by_role, operator);
    END IF;
    RETURN result;
END
$body$;

CREATE FUNCTION mta_store.administer(queue_id text, action text, reason text) RETURNS text LANGUAGE plpgsql AS $body$
DECLARE
    id bigint := mta.queue_number(queue_id);
BEGIN
    IF id IS NULL THEN
        RAISE EXCEPTION 'not a queue id: "%"', queue_id USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN mta_store.administer(id, action, reason, session_user, nullif(current_setting('mta.operator', true), ''));
END
$body$;

-- Plans that fit a large table whatever it was at the first call: see mta.submit_begin.

-- Sets a message aside until it is released.
CREATE FUNCTION mta.hold(queue_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN RETURN mta_store.administer(queue_id, 'hold', NULL); END
$body$;

-- Lets a message that was set aside (hold, corrupt) be delivered, at once.
CREATE FUNCTION mta.release(queue_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN RETURN mta_store.administer(queue_id, 'release', NULL); END
$body$;

-- Sends a message through address rewriting and alias expansion again, from maildrop, under the same queue id.
CREATE FUNCTION mta.requeue(queue_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN RETURN mta_store.administer(queue_id, 'requeue', NULL); END
$body$;

-- Removes a message for good; nobody is told.
CREATE FUNCTION mta.delete(queue_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN RETURN mta_store.administer(queue_id, 'delete', NULL); END
$body$;

-- Returns a message to its sender when the next attempt fails, however young it is.
CREATE FUNCTION mta.expire(queue_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN RETURN mta_store.administer(queue_id, 'expire', NULL); END
$body$;

-- Returns a message to its sender with this reason, without another attempt.
CREATE FUNCTION mta.bounce(queue_id text, reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN
    IF coalesce(reason, '') = '' OR length(reason) > 500 OR reason ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'reason is not a line of at most 500 characters' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN mta_store.administer(queue_id, 'bounce', reason);
END
$body$;

-- Destinations and senders ----------------------------------------------------------------------------------------------------------

-- Makes the deferred mail of a destination (a next hop, as mta.deferred shows it) due now.
CREATE FUNCTION mta.flush(destination text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    UPDATE mta_store.destination d SET next_due = now(), flush_at = now() WHERE d.name = lower(flush.destination);
    IF NOT FOUND THEN
        RETURN 'not found';
    END IF;
    PERFORM mta_store.revive(lower(flush.destination));
    INSERT INTO mta_store.admin_log (action, subject, result) VALUES ('flush', lower(flush.destination), 'done');
    PERFORM pg_notify('mta_flush', '');
    RETURN 'done';
END
$body$;

-- Makes all deferred mail due now.
CREATE FUNCTION mta.flush_all() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    UPDATE mta_store.destination SET next_due = now(), flush_at = now();
    PERFORM mta_store.revive(NULL);
    INSERT INTO mta_store.admin_log (action, result) VALUES ('flush_all', 'done');
    PERFORM pg_notify('mta_flush', '');
    RETURN 'done';
END
$body$;

CREATE FUNCTION mta_store.suspend(kind text, name text, until timestamptz) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    IF coalesce(suspend.name, '') = '' THEN
        RAISE EXCEPTION 'the name to suspend is empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO mta_store.suspension AS s (kind, name, until) VALUES (suspend.kind, lower(suspend.name), coalesce(suspend.until, 'infinity'))
        ON CONFLICT ON CONSTRAINT suspension_pkey DO UPDATE SET until = excluded.until, suspended_by = excluded.suspended_by, suspended_at = excluded.suspended_at;
    INSERT INTO mta_store.admin_log (action, subject, reason, result)
        VALUES ('suspend', suspend.kind || ' ' || lower(suspend.name), coalesce(suspend.until, 'infinity')::text, 'done');
    PERFORM pg_notify('mta_request', '');
    RETURN 'done';
END
$body$;

CREATE FUNCTION mta_store.resume(kind text, name text) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    DELETE FROM mta_store.suspension s WHERE s.kind = resume.kind AND s.name = lower(resume.name);
    IF NOT FOUND THEN
        RETURN 'not found';
    END IF;
    INSERT INTO mta_store.admin_log (action, subject, result) VALUES ('resume', resume.kind || ' ' || lower(resume.name), 'done');
    PERFORM pg_notify('mta_request', '');
    RETURN 'done';
END
$body$;

-- Mail for this next hop is deferred without an attempt until then; without a time, until mta.resume.
CREATE FUNCTION mta.suspend(destination text, until timestamptz DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN RETURN mta_store.suspend('destination', destination, until); END
$body$;

-- Ends a suspension; what waited for it is due at once.
CREATE FUNCTION mta.resume(destination text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    UPDATE mta_store.destination d SET next_due = now(), flush_at = now() WHERE d.name = lower(resume.destination);
    PERFORM pg_notify('mta_flush', '');
    RETURN mta_store.resume('destination', destination);
END
$body$;

-- Mail of this sender, or of all senders of a domain ("@example.com"), is deferred without an attempt until then, under a destination of its
-- own, "(sender) @example.com", which nobody claims from meanwhile.
CREATE FUNCTION mta.suspend_sender(sender text, until timestamptz DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN RETURN mta_store.suspend('sender', sender, until); END
$body$;

-- Ends a suspension; the mail that waited for it is due at once.
CREATE FUNCTION mta.resume_sender(sender text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    UPDATE mta_store.destination d SET next_due = now(), flush_at = now() WHERE d.name = '(sender) ' || lower(resume_sender.sender);
    RETURN mta_store.resume('sender', sender);
END
$body$;

-- The owner's side ------------------------------------------------------------------------------------------------------------------

-- Does what was asked of messages that this epoch owns and no longer tries, in the transaction that writes away their last outcomes.
CREATE FUNCTION mta_store.apply_owned(owner bigint, ids bigint[]) RETURNS void LANGUAGE plpgsql AS $body$
#variable_conflict use_variable
DECLARE
    m mta_store.incoming;
    asked mta_store.request;
    message bigint;
BEGIN
    FOREACH message IN ARRAY ids LOOP
        m := NULL;
        DELETE FROM mta_store.active a WHERE a.id = message AND a.epoch = owner RETURNING a.* INTO m;
        CONTINUE WHEN NOT FOUND;
        DELETE FROM mta_store.request r WHERE r.message_id = message RETURNING r.* INTO asked;
        IF NOT FOUND OR asked.action = 'expire' THEN
            -- Taken back meanwhile, or a node that is drained gives its mail back: it goes on.
            IF FOUND THEN
                m.flags := m.flags | 16;
            END IF;
            INSERT INTO mta_store.incoming SELECT (m).*;
            PERFORM pg_notify('mta_queue', '');
        ELSIF NOT EXISTS (SELECT FROM mta_store.recipient r WHERE r.message_id = message) THEN
            PERFORM mta_store.put(m, 'delete', NULL, asked.requested_by);
            INSERT INTO mta_store.admin_log (action, message_id, reason, result, by_role, operator)
                VALUES (asked.action, message, asked.reason, 'delivered before', asked.requested_by, asked.operator);
        ELSE
            PERFORM mta_store.put(m, asked.action, asked.reason, asked.requested_by);
            INSERT INTO mta_store.admin_log (action, message_id, reason, result, by_role, operator)
                VALUES (asked.action, message, asked.reason, 'done', asked.requested_by, asked.operator);
        END IF;
    END LOOP;
END
$body$;

-- Marks messages that this epoch owns as expired; the owner knows it already.
CREATE FUNCTION mta_store.expire_owned(owner bigint, ids bigint[]) RETURNS void LANGUAGE sql AS $body$
    -- What has left active meanwhile keeps its request, for mta_store.apply_requests.
    WITH marked AS (UPDATE mta_store.active a SET flags = a.flags | 16 WHERE a.id = ANY (ids) AND a.epoch = owner RETURNING a.id),
    asked AS (DELETE FROM mta_store.request r USING marked WHERE r.message_id = marked.id AND r.action = 'expire' RETURNING r.*)
    INSERT INTO mta_store.admin_log (action, message_id, result, by_role, operator)
        SELECT 'expire', message_id, 'done', requested_by, operator FROM asked
$body$;

-- Does what was asked of messages that nobody owns any more: their round ended before the request was seen, or their owner's epoch ended.
CREATE FUNCTION mta_store.apply_requests() RETURNS integer LANGUAGE plpgsql AS $body$
DECLARE
    asked mta_store.request;
    applied integer := 0;
BEGIN
    FOR asked IN
        DELETE FROM mta_store.request WHERE message_id = ANY (ARRAY(
            SELECT r.message_id FROM mta_store.request r
            WHERE NOT EXISTS (SELECT FROM mta_store.active a WHERE a.id = r.message_id) ORDER BY r.message_id FOR UPDATE SKIP LOCKED))
        RETURNING *
    LOOP
        IF mta_store.administer(asked.message_id, asked.action, asked.reason, asked.requested_by, asked.operator) IN ('not found', 'nothing to do') THEN
            INSERT INTO mta_store.admin_log (action, message_id, reason, result, by_role, operator)
                VALUES (asked.action, asked.message_id, asked.reason, 'delivered before', asked.requested_by, asked.operator);
        END IF;
        applied := applied + 1;
    END LOOP;
    RETURN applied;
END
$body$;
