-- History for people: views and functions over what was logged about deliveries, and the SMTP commands that were rejected.

-- Of the message, so that a report needs nothing but this table: the completion has the row at hand. Mail that is made or submitted on the
-- node itself has no client.
ALTER TABLE mta.delivery_log
    ADD COLUMN client_name text,
    ADD COLUMN client_address text,
    ADD COLUMN header_message_id text;

-- Ids grow with time as the rows do, so a few numbers for each range of pages find a message's rows; an insert pays nothing for it.
CREATE INDEX delivery_log_message ON mta.delivery_log USING brin (message_id) WITH (pages_per_range = 32, autosummarize = on);

-- SMTP commands that were rejected. While few are, each is a row; in a flood, what one client hears again and again is one with a count.
CREATE TABLE mta_store.reject_log (
    at timestamptz NOT NULL DEFAULT now(),
    node text NOT NULL,
    queue_id text NOT NULL,
    command text NOT NULL,
    client_name text NOT NULL,
    client_address text NOT NULL,
    helo text,
    sender text,
    recipient text,
    code smallint NOT NULL,
    dsn text NOT NULL,
    -- The reply without its codes and without the address or name that it is about.
    reason text NOT NULL,
    count integer NOT NULL DEFAULT 1,
    -- The log has a warning, not a line with "reject:": content that is too large, or went through too many hands.
    warning boolean NOT NULL DEFAULT false,
    CONSTRAINT reject_is_counted CHECK (count > 0)
) PARTITION BY RANGE (at);

CREATE TABLE mta_store.reject_log_default PARTITION OF mta_store.reject_log DEFAULT;

CREATE FUNCTION mta_store.maintain_log(parent regclass, retention interval) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $body$
DECLARE
    schema_name name;
    log_name name;
    day date;
    late boolean;
    partition regclass;
    partition_name text;
BEGIN
    SELECT n.nspname, c.relname INTO schema_name, log_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent;
    IF (schema_name, log_name) NOT IN (('mta', 'delivery_log'), ('mta_store', 'reject_log')) THEN
        RAISE EXCEPTION 'not a log: %', parent;
    END IF;
    FOR day IN SELECT current_date + n FROM generate_series(0, 3) AS n LOOP
        partition_name := log_name || '_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(format('%I.%I', schema_name, partition_name)) IS NOT NULL;
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE at >= %L AND at < %L)', schema_name, log_name || '_default', day, day + 1) INTO late;
        IF NOT late THEN
            EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I FOR VALUES FROM (%L) TO (%L)',
                           schema_name, partition_name, schema_name, log_name, day, day + 1);
        END IF;
    END LOOP;
    FOR partition, partition_name IN
        SELECT i.inhrelid::regclass, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = parent AND c.relname ~ ('^' || log_name || '_[0-9]{8}$')
    LOOP
        IF to_date(right(partition_name, 8), 'YYYYMMDD') + 1 < now() - retention THEN
            EXECUTE format('DROP TABLE %s', partition);
        END IF;
    END LOOP;
    EXECUTE format('DELETE FROM %I.%I WHERE at < now() - %L::interval', schema_name, log_name || '_default', retention);
END
$body$;

-- Partitions of both logs; nodes call it every hour.
CREATE OR REPLACE FUNCTION mta.maintain_delivery_log(retention interval) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $body$
    SELECT mta_store.maintain_log('mta.delivery_log', retention);
    SELECT mta_store.maintain_log('mta_store.reject_log', retention);
$body$;

-- Views -----------------------------------------------------------------------------------------------------------------------------

-- One row for each attempt of each recipient, with the words of the log. id and message_id are named as in mta.queue.
CREATE VIEW mta.delivery AS
    SELECT at, mta.queue_id(message_id) AS queue_id, message_id AS id, header_message_id AS message_id, node,
           (ARRAY['sent', 'deferred', 'bounced', 'expanded', 'relayed', 'deferred'])[action + 1] AS action,
           sender, recipient, recipient_number, original, lower(substring(recipient FROM '[^@]*$')) AS recipient_domain, size, client_name, client_address,
           mta.queue_time(message_id) AS arrived_at, transport, relay, dsn,
           delay_before_queue + delay_in_queue + delay_connection + delay_transmission AS delay,
           delay_before_queue, delay_in_queue, delay_connection, delay_transmission, reason,
           -- The log says deferred of the last attempt, too, and in another line that the message expired and was returned.
           action = 5 AS expired
    FROM mta.delivery_log;

CREATE VIEW mta.rejection AS
    SELECT at, node, nullif(queue_id, 'NOQUEUE') AS queue_id, command, client_name, client_address, helo, sender, recipient, code, dsn, reason, count, warning
    FROM mta_store.reject_log;

-- For reports ------------------------------------------------------------------------------------------------------------------------

-- What the ready reports look back to: a day, or as long as said by SET mta.since = '7 days'.
CREATE FUNCTION mta.report_since() RETURNS timestamptz LANGUAGE sql STABLE AS $body$
    SELECT now() - coalesce(nullif(current_setting('mta.since', true), ''), '1 day')::interval
$body$;

-- The smallest id that a message which came at this time can have.
CREATE FUNCTION mta.queue_floor(since timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT (greatest(extract(epoch FROM since - timestamptz '2020-01-01 00:00:00Z'), 0) * 1000000)::bigint << 12
$body$;

-- Messages that clients and local users handed in since then, from the history and the queues: accepting mail writes nothing for it.
-- Reports that the mail system made itself are not among them.
CREATE FUNCTION mta.received(since timestamptz)
    RETURNS TABLE (id bigint, arrived_at timestamptz, sender text, size bigint, client_name text, client_address text) LANGUAGE sql STABLE AS $body$
    SELECT DISTINCT ON (m.id) m.id, mta.queue_time(m.id), m.sender, m.size, m.client_name, m.client_address
    FROM (SELECT l.message_id AS id, l.sender, l.size, l.client_name, l.client_address FROM mta.delivery_log l
              WHERE l.at >= since AND l.message_id >= mta.queue_floor(since)
          UNION ALL
          SELECT q.id, q.sender, q.size, q.client_name, q.client_address FROM mta.queue q
              WHERE q.queue_name <> 'maildrop' AND q.sender <> '' AND q.id >= mta.queue_floor(since)) m
    WHERE m.sender <> '' OR m.client_address IS NOT NULL
    ORDER BY m.id
$body$;

-- Messages that were begun, so that they have a queue id and the log their client, and whose content was refused: they are in no queue and in
-- no delivery. A row of a flood stands for as many messages as it counts.
CREATE FUNCTION mta.refused_content(since timestamptz) RETURNS TABLE (at timestamptz, messages bigint) LANGUAGE sql STABLE AS $body$
    SELECT min(r.at), 1 + sum(r.count - 1)
    FROM mta.rejection r
    WHERE r.at >= since AND r.command IN ('DATA', 'BDAT', 'END-OF-MESSAGE') AND r.queue_id IS NOT NULL
    GROUP BY r.queue_id
$body$;
