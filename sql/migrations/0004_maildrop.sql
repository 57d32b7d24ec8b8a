-- Maildrop: mail from sendmail(1) and from SQL, before pickup runs it through cleanup. Applications submit with mta.submit in a
-- transaction of their own: the mail is sent when, and only when, that transaction commits.

-- Ids -------------------------------------------------------------------------------------------------------------------------------

-- The text of an id, as the log and the tools show it: seconds in base 52 (6 digits at least), microseconds in base 52 (4 digits),
-- z, and the node number in base 51 above an offset that makes it four digits.
CREATE FUNCTION mta.queue_id(id bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    alphabet CONSTANT text := '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
    seconds bigint := 1577836800 + (id >> 12) / 1000000;
    rest bigint := (id >> 12) % 1000000;
    node bigint := (id & 4095) + 132651;
    result text := '';
BEGIN
    IF id < 0 THEN
        RAISE EXCEPTION 'not a queue id: %', id USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WHILE node > 0 LOOP
        result := substr(alphabet, (node % 51)::integer + 1, 1) || result;
        node := node / 51;
    END LOOP;
    result := 'z' || result;
    FOR i IN 1..4 LOOP
        result := substr(alphabet, (rest % 52)::integer + 1, 1) || result;
        rest := rest / 52;
    END LOOP;
    FOR i IN 1..6 LOOP
        result := substr(alphabet, (seconds % 52)::integer + 1, 1) || result;
        seconds := seconds / 52;
    END LOOP;
    RETURN result;
END
$body$;

-- The id of a text; NULL for text that mta.queue_id does not write.
CREATE FUNCTION mta.queue_number(id text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    alphabet CONSTANT text := '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
    seconds bigint := 0;
    rest bigint := 0;
    node bigint := 0;
    result bigint;
BEGIN
    IF id !~ '^[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]{4}$' THEN
        RETURN NULL;
    END IF;
    FOR i IN 1..6 LOOP
        seconds := seconds * 52 + position(substr(id, i, 1) IN alphabet) - 1;
    END LOOP;
    FOR i IN 7..10 LOOP
        rest := rest * 52 + position(substr(id, i, 1) IN alphabet) - 1;
    END LOOP;
    FOR i IN 12..15 LOOP
        node := node * 51 + position(substr(id, i, 1) IN alphabet) - 1;
    END LOOP;
    IF node - 132651 NOT BETWEEN 0 AND 4095 OR rest > 999999 OR seconds NOT BETWEEN 1577836800 AND 3725320447 THEN
        RETURN NULL;
    END IF;
    result := (((seconds - 1577836800) * 1000000 + rest) << 12) | (node - 132651);
    RETURN result;
END
$body$;

-- Tables ----------------------------------------------------------------------------------------------------------------------------

CREATE TABLE mta_store.maildrop (
    id bigint PRIMARY KEY,
    sender text NOT NULL,
    recipients text[] NOT NULL,
    notify smallint NOT NULL DEFAULT 0,
    dsn_return smallint NOT NULL DEFAULT 0,
    envelope_id text,
    flags integer NOT NULL DEFAULT 0,
    -- The user of the operating system, for the Received header and the log; NULL for mail made by SQL.
    user_id bigint,
    -- The database role that submitted it.
    submitted_by text NOT NULL DEFAULT session_user,
    submitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    size bigint NOT NULL DEFAULT 0,
    chunk_count integer NOT NULL DEFAULT 0,
    -- The transaction that is still appending; a row that was committed with it was abandoned.
    upload_xact xid8,
    -- A node's pickup works on it until then.
    taken_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT maildrop_sender_is_printable CHECK (sender !~ '[[:cntrl:]]'),
    CONSTRAINT maildrop_sender_is_not_too_long CHECK (length(sender) <= 1000),
    CONSTRAINT maildrop_notify_known CHECK (notify BETWEEN 0 AND 15 AND (notify & 1 = 0 OR notify = 1)),
    CONSTRAINT maildrop_return_known CHECK (dsn_return BETWEEN 0 AND 2)
);

CREATE TABLE mta_store.maildrop_chunk (
    -- Not a hot table: the key may cascade, so that deleting the message is all that enqueueing has to do.
    message_id bigint NOT NULL REFERENCES mta_store.maildrop (id) ON DELETE CASCADE,
    chunk integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (message_id, chunk)
);
ALTER TABLE mta_store.maildrop_chunk ALTER COLUMN data SET STORAGE EXTERNAL;

-- Files of a spool directory that are in maildrop already, kept until they are unlinked: a crash in between must not send twice.
CREATE TABLE mta_store.maildrop_file (
    name uuid PRIMARY KEY,
    taken_at timestamptz NOT NULL DEFAULT now()
);

-- Submission ------------------------------------------------------------------------------------------------------------------------

-- never, or any of success, failure, delay: the bits of RFC 3461 section 4.1 as the queue stores them.
CREATE FUNCTION mta.notify_bits(notify text) RETURNS smallint LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
    word text;
    result integer := 0;
BEGIN
    FOREACH word IN ARRAY string_to_array(lower(coalesce(notify, '')), ',') LOOP
        result := result | CASE trim(word) WHEN 'never' THEN 1 WHEN 'success' THEN 2 WHEN 'failure' THEN 4 WHEN 'delay' THEN 8 END;
        IF result IS NULL THEN
            RAISE EXCEPTION 'notify: "%" is none of never, success, failure, delay', word USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    IF result & 1 = 1 AND result <> 1 THEN
        RAISE EXCEPTION 'notify: "never" does not go with another word' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN result;
END
$body$;

-- Opens a message; append and finish follow in the same transaction, so that nobody sees or touches a message half made. Addresses are as
-- in mail; those of sendmail(1), which comes with a user of the operating system, have been parsed and are in internal form.
-- SET enable_seqscan = off, here and below: a session keeps the plans of its first call, of statements and of the foreign key as well. One made while
-- a table was empty would be a scan, and each of a hundred thousand calls in a transaction go through all that those before it put there.
CREATE FUNCTION mta.submit_begin(
    sender text,
    recipients text[],
    notify text DEFAULT NULL,
    dsn_return text DEFAULT NULL,
    envelope_id text DEFAULT NULL,
    flags integer DEFAULT 0,
    user_id bigint DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
#variable_conflict use_column
DECLARE
    bad text;
    new_id bigint;
    stored integer;
    node integer := 0;
    is_parsed boolean := submit_begin.user_id IS NOT NULL;
BEGIN
    PERFORM mta.check_room();
    IF submit_begin.sender IS NULL THEN
        RAISE EXCEPTION 'sender is NULL: the null sender is an empty text' USING ERRCODE = 'null_value_not_allowed';
    ELSIF length(submit_begin.sender) > 1000 OR submit_begin.sender ~ '[[:cntrl:]]'
          OR (NOT is_parsed AND submit_begin.sender <> '' AND mta_store.internal_address(submit_begin.sender) IS NULL) THEN
        RAISE EXCEPTION 'sender is not an address: "%"', regexp_replace(left(submit_begin.sender, 100), '[[:cntrl:]]', '?', 'g')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write user@example.com, without a name and without angle brackets.';
    ELSIF coalesce(cardinality(submit_begin.recipients), 0) = 0 THEN
        RAISE EXCEPTION 'there are no recipients' USING ERRCODE = 'invalid_parameter_value';
    ELSIF array_ndims(submit_begin.recipients) <> 1 THEN
        RAISE EXCEPTION 'recipients is not a plain list' USING ERRCODE = 'invalid_parameter_value';
    ELSIF coalesce(submit_begin.dsn_return, 'full') NOT IN ('full', 'hdrs') THEN
        RAISE EXCEPTION 'dsn_return: "%" is neither full nor hdrs', submit_begin.dsn_return USING ERRCODE = 'invalid_parameter_value';
    ELSIF length(submit_begin.envelope_id) > 100 OR submit_begin.envelope_id ~ '[^!-~]' THEN
        RAISE EXCEPTION 'envelope_id is not xtext of at most 100 characters' USING ERRCODE = 'invalid_parameter_value';
    ELSIF submit_begin.flags IS NULL OR submit_begin.flags & ~3 <> 0 THEN
        RAISE EXCEPTION 'flags: only 1 (SMTPUTF8) and 2 (8BITMIME) may be set' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT coalesce(r.a, 'NULL') INTO bad FROM unnest(submit_begin.recipients) AS r(a)
    WHERE r.a IS NULL OR r.a = '' OR length(r.a) > 1000 OR r.a ~ '[[:cntrl:]]' OR (NOT is_parsed AND mta_store.internal_address(r.a) IS NULL) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'recipient is not an address: "%"', regexp_replace(left(bad, 100), '[[:cntrl:]]', '?', 'g')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Each recipient is an element of the list: user@example.com, without a name and without angle brackets.';
    END IF;
    IF NOT is_parsed THEN
        sender := coalesce(mta_store.internal_address(nullif(submit_begin.sender, '')), '');
        recipients := ARRAY(SELECT mta_store.internal_address(r.a) FROM unnest(submit_begin.recipients) WITH ORDINALITY AS r(a, number) ORDER BY r.number);
    END IF;
    -- Node numbers 0 to 15 are SQL's: sixteen ids in a microsecond. A stepped clock meets the message that has the id.
    LOOP
        new_id := (((extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 1577836800000000) << 12) | node;
        IF NOT EXISTS (SELECT FROM mta_store.incoming WHERE id = new_id) AND NOT EXISTS (SELECT FROM mta_store.active WHERE id = new_id)
           AND NOT EXISTS (SELECT FROM mta_store.deferred WHERE id = new_id) AND NOT EXISTS (SELECT FROM mta_store.hold WHERE id = new_id)
           AND NOT EXISTS (SELECT FROM mta_store.corrupt WHERE id = new_id) THEN
            INSERT INTO mta_store.maildrop (id, sender, recipients, notify, dsn_return, envelope_id, flags, user_id, upload_xact)
            VALUES (new_id, submit_begin.sender, submit_begin.recipients, mta.notify_bits(submit_begin.notify),
                CASE submit_begin.dsn_return WHEN 'full' THEN 1 WHEN 'hdrs' THEN 2 ELSE 0 END,
                submit_begin.envelope_id, submit_begin.flags, submit_begin.user_id, pg_current_xact_id())
            ON CONFLICT DO NOTHING;
            GET DIAGNOSTICS stored = ROW_COUNT;
            EXIT WHEN stored = 1;
        END IF;
        node := (node + 1) % 16;
    END LOOP;
    RETURN new_id;
END
$body$;

-- The next piece of the content, in order; pieces of up to about 1 MB keep memory low on both sides.
CREATE FUNCTION mta.submit_append(id bigint, piece bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
DECLARE
    number integer;
    total bigint;
    by_user bigint;
    maximum bigint;
BEGIN
    IF submit_append.piece IS NULL THEN
        RAISE EXCEPTION 'the piece of the message is NULL' USING ERRCODE = 'null_value_not_allowed';
    ELSIF length(submit_append.piece) = 0 THEN
        RETURN;
    END IF;
    UPDATE mta_store.maildrop AS m SET chunk_count = m.chunk_count + 1, size = m.size + length(submit_append.piece)
    WHERE m.id = submit_append.id AND m.upload_xact = pg_current_xact_id()
    RETURNING m.chunk_count - 1, m.size, m.user_id INTO number, total, by_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'message % was not begun in this transaction', submit_append.id USING ERRCODE = 'no_data_found';
    END IF;
    -- sendmail(1) has its own limit; what nobody compares would come back as a bounce.
    IF by_user IS NULL THEN
        maximum := mta_store.message_size_limit();
        IF maximum > 0 AND total > maximum THEN
            RAISE EXCEPTION 'the message is larger than message_size_limit (% bytes)', maximum USING ERRCODE = 'program_limit_exceeded';
        END IF;
    END IF;
    INSERT INTO mta_store.maildrop_chunk (message_id, chunk, data) VALUES (submit_append.id, number, submit_append.piece);
END
$body$;

-- Ends the message and gives its queue id. It is sent when the transaction commits.
CREATE FUNCTION mta.submit_finish(id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN
    UPDATE mta_store.maildrop AS m SET upload_xact = NULL WHERE m.id = submit_finish.id AND m.upload_xact = pg_current_xact_id();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'message % was not begun in this transaction', submit_finish.id USING ERRCODE = 'no_data_found';
    END IF;
    RETURN mta.queue_id(submit_finish.id);
END
$body$;

-- A whole message at once: headers, an empty line, the body.
CREATE FUNCTION mta.submit(
    sender text,
    recipients text[],
    message bytea,
    notify text DEFAULT NULL,
    dsn_return text DEFAULT NULL,
    envelope_id text DEFAULT NULL,
    flags integer DEFAULT 0,
    user_id bigint DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
DECLARE
    id bigint := mta.submit_begin(sender, recipients, notify, dsn_return, envelope_id, flags, user_id);
BEGIN
    PERFORM mta.submit_append(id, message);
    RETURN mta.submit_finish(id);
END
$body$;

-- The same for a message that is text.
CREATE FUNCTION mta.submit(
    sender text,
    recipients text[],
    message text,
    notify text DEFAULT NULL,
    dsn_return text DEFAULT NULL,
    envelope_id text DEFAULT NULL,
    flags integer DEFAULT 0,
    user_id bigint DEFAULT NULL
) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    SELECT mta.submit(sender, recipients, convert_to(message, 'UTF8'), notify, dsn_return, envelope_id, flags, user_id)
$body$;

-- Pickup ----------------------------------------------------------------------------------------------------------------------------

-- Takes finished messages for a while. The row stays until mta.maildrop_finish deletes it where the message enters the queue.
CREATE FUNCTION mta.maildrop_take(maximum integer, lease interval) RETURNS SETOF mta_store.maildrop LANGUAGE sql AS $body$
    UPDATE mta_store.maildrop SET taken_until = clock_timestamp() + lease, attempts = attempts + 1
    WHERE id = ANY (ARRAY(
        SELECT id FROM mta_store.maildrop WHERE upload_xact IS NULL AND (taken_until IS NULL OR taken_until < clock_timestamp())
        ORDER BY id LIMIT maximum FOR UPDATE SKIP LOCKED))
    RETURNING *
$body$;

-- Deletes messages in the transaction that enqueues them. One that another node enqueued before fails the transaction.
CREATE FUNCTION mta.maildrop_finish(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    deleted integer;
BEGIN
    DELETE FROM mta_store.maildrop WHERE id = ANY (ids);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    IF deleted <> cardinality(ids) THEN
        RAISE EXCEPTION 'mail from maildrop was enqueued by another node' USING ERRCODE = 'MTA01';
    END IF;
END
$body$;

-- Deletes what was committed without mta.submit_finish, and the marks of spool files that went with their host.
CREATE FUNCTION mta.maildrop_sweep() RETURNS integer LANGUAGE sql AS $body$
    WITH abandoned AS (DELETE FROM mta_store.maildrop WHERE upload_xact < pg_snapshot_xmin(pg_current_snapshot()) RETURNING id),
        mark AS (DELETE FROM mta_store.maildrop_file WHERE taken_at < now() - interval '30 days')
    SELECT count(*)::integer FROM abandoned
$body$;
