-- Lookup tables: what hash:, btree:, lmdb: and cdb: references name. postmap(1) fills them, and SQL may change them at any time:
-- every node sees a committed change within a second, by polling the versions.

CREATE TABLE mta.lookup_table (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The path of the source file, as references name it after the type: /etc/postfix/virtual.
    name text NOT NULL,
    -- How the source file is read: postmap(1) or aliases(5) syntax. The entries look the same.
    kind text NOT NULL DEFAULT 'map',
    -- Raised by every statement that changes entries.
    version bigint NOT NULL DEFAULT 1,
    -- When the whole table was last replaced from a file; NULL when it never was.
    built_at timestamptz,
    CONSTRAINT lookup_table_name_key UNIQUE (name),
    CONSTRAINT lookup_table_has_a_name CHECK (name <> ''),
    CONSTRAINT lookup_table_kind_known CHECK (kind IN (
        'map', 'aliases', 'canonical', 'virtual', 'transport', 'relocated', 'access', 'generic', 'bcc', 'sender_login', 'mailbox', 'relayhost'))
);

CREATE TABLE mta.lookup_entry (
    table_id bigint NOT NULL REFERENCES mta.lookup_table ON DELETE CASCADE,
    -- In external form and, as lookups fold their keys, in lower case; mta.lookup folds it for you.
    key text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (table_id, key),
    CONSTRAINT lookup_key_has_text_that_an_index_can_hold CHECK (key <> '' AND octet_length(key) <= 2000)
);

-- Where a table's new content waits within the transaction that replaces the old one; empty outside of it. Not a temporary table: the
-- daemon's role may not make any.
CREATE UNLOGGED TABLE mta.lookup_stage (
    table_id bigint NOT NULL,
    key text NOT NULL,
    value text NOT NULL
);

-- A version is raised in the order of table ids, so that two statements over several tables do not wait for each other in a circle.
CREATE FUNCTION mta.lookup_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE mta.lookup_table SET version = version + 1;
    ELSE
        PERFORM FROM mta.lookup_table WHERE id IN (SELECT table_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE mta.lookup_table SET version = version + 1 WHERE id IN (SELECT table_id FROM changed);
    END IF;
    -- Nodes that listen ask for the versions at once, all others within a second.
    PERFORM pg_notify('mta_lookup', '');
    RETURN NULL;
END
$body$;

CREATE TRIGGER lookup_entry_inserted AFTER INSERT ON mta.lookup_entry
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();
CREATE TRIGGER lookup_entry_deleted AFTER DELETE ON mta.lookup_entry
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();
CREATE TRIGGER lookup_entry_updated AFTER UPDATE ON mta.lookup_entry
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();
-- An entry that moves to another table changes the one that it leaves, too.
CREATE TRIGGER lookup_entry_updated_from AFTER UPDATE ON mta.lookup_entry
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();
CREATE TRIGGER lookup_entry_truncated AFTER TRUNCATE ON mta.lookup_entry
    FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();

-- The entries by the name of their table, for people:
--   INSERT INTO mta.lookup VALUES ('/etc/postfix/virtual', 'Info@Example.com', 'alice');
-- makes the table when it is not there, folds the key, and replaces an entry that is there.
CREATE VIEW mta.lookup AS
    SELECT t.name AS table_name, e.key, e.value FROM mta.lookup_table t JOIN mta.lookup_entry e ON e.table_id = t.id;

CREATE FUNCTION mta.lookup_write() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    target bigint;
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') AND (TG_OP = 'DELETE' OR (OLD.table_name, OLD.key) IS DISTINCT FROM (NEW.table_name, lower(NEW.key))) THEN
        DELETE FROM mta.lookup_entry USING mta.lookup_table t
            WHERE t.name = OLD.table_name AND table_id = t.id AND lookup_entry.key = OLD.key;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    INSERT INTO mta.lookup_table (name) VALUES (NEW.table_name) ON CONFLICT (name) DO NOTHING;
    SELECT id INTO STRICT target FROM mta.lookup_table WHERE name = NEW.table_name;
    INSERT INTO mta.lookup_entry AS e (table_id, key, value) VALUES (target, lower(NEW.key), NEW.value)
        ON CONFLICT (table_id, key) DO UPDATE SET value = excluded.value;
    RETURN NEW;
END
$body$;

CREATE TRIGGER lookup_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.lookup
    FOR EACH ROW EXECUTE FUNCTION mta.lookup_write();
