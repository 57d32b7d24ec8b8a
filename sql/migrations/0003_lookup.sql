-- Lookup tables: what hash:, btree:, lmdb: and cdb: references name. postmap(1) fills them, and SQL may change them at any time:
-- every node sees a committed change within a second, by polling the versions.

CREATE TABLE mta.lookup_table (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The path of the source file, as references name it after the type: /etc/postfix/virtual. Tables that were made by SQL have a word.
    name text NOT NULL,
    -- What the rows mean, and so which partition of lookup_entry has them; 'aliases' also says that the source file is of aliases(5) syntax.
    kind text NOT NULL DEFAULT 'map',
    -- Raised by every statement that changes entries.
    version bigint NOT NULL DEFAULT 1,
    -- When the whole table was last replaced from a file; NULL when it never was.
    built_at timestamptz,
    CONSTRAINT lookup_table_name_key UNIQUE (name),
    CONSTRAINT lookup_table_kind_key UNIQUE (id, kind),
    CONSTRAINT lookup_table_has_a_name CHECK (name <> ''),
    CONSTRAINT lookup_table_kind_known CHECK (kind IN (
        'map', 'aliases', 'canonical', 'virtual', 'transport', 'relocated', 'access', 'generic', 'bcc', 'sender_login', 'mailbox', 'relayhost',
        'cidr', 'regexp', 'pcre'))
);

-- A partition for each kind: the typed tables, whose CHECKs say what a row has to look like. 0011 makes them; this one takes any row.
-- That table_id and kind are those of a row in lookup_table is seen to by lookup_changed, once a statement: a foreign key, which asks for
-- each row, took more than half of the time that a million rows need.
CREATE TABLE mta.lookup_entry (
    table_id bigint NOT NULL,
    -- In external form and, as lookups fold their keys, in lower case; the views fold it for you.
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    kind text NOT NULL DEFAULT 'map',
    PRIMARY KEY (table_id, key, kind),
    CONSTRAINT lookup_key_has_text_that_an_index_can_hold CHECK (key <> '' AND octet_length(key) <= 2000)
) PARTITION BY LIST (kind);
CREATE TABLE mta.map_entry PARTITION OF mta.lookup_entry FOR VALUES IN ('map');

-- Where the new content of a table that exists waits within the transaction that replaces the old one; empty outside of it. Not a
-- temporary table: the daemon's role may not make any.
CREATE UNLOGGED TABLE mta.lookup_stage (
    table_id bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL
);

-- A version is raised in the order of table ids, so that two statements over several tables do not wait for each other in a circle.
CREATE FUNCTION mta.lookup_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    stray record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE mta.lookup_table SET version = version + 1;
    ELSE
        PERFORM FROM mta.lookup_table WHERE id IN (SELECT table_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE mta.lookup_table SET version = version + 1 WHERE id IN (SELECT table_id FROM changed);
        IF TG_ARGV[0] = 'new' THEN
            SELECT c.table_id, c.kind, t.kind AS right_kind INTO stray
            FROM (SELECT DISTINCT table_id, kind FROM changed) c LEFT JOIN mta.lookup_table t ON t.id = c.table_id
            WHERE t.kind IS DISTINCT FROM c.kind LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'table % has no rows of kind %', stray.table_id, stray.kind
                    USING ERRCODE = 'foreign_key_violation',
                    HINT = coalesce('It is a table of kind ' || stray.right_kind || '.', 'There is no such row in mta.lookup_table.');
            END IF;
        END IF;
    END IF;
    -- Nodes that listen ask for the versions at once, all others within a second.
    PERFORM pg_notify('mta_lookup', '');
    RETURN NULL;
END
$body$;

CREATE TRIGGER lookup_entry_inserted AFTER INSERT ON mta.lookup_entry
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('new');
CREATE TRIGGER lookup_entry_deleted AFTER DELETE ON mta.lookup_entry
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('old');
CREATE TRIGGER lookup_entry_updated AFTER UPDATE ON mta.lookup_entry
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('new');
-- An entry that moves to another table changes the one that it leaves, too.
CREATE TRIGGER lookup_entry_updated_from AFTER UPDATE ON mta.lookup_entry
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('old');
CREATE TRIGGER lookup_entry_truncated AFTER TRUNCATE ON mta.lookup_entry
    FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();

-- Entries go with their table, and move to the partition of its kind, where they have to keep that kind's rules.
CREATE FUNCTION mta.lookup_table_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM mta.lookup_entry WHERE table_id = OLD.id;
        PERFORM pg_notify('mta_lookup', '');
    ELSIF NEW.kind <> OLD.kind THEN
        UPDATE mta.lookup_entry SET kind = NEW.kind WHERE table_id = NEW.id;
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER lookup_table_deleted AFTER DELETE ON mta.lookup_table
    FOR EACH ROW EXECUTE FUNCTION mta.lookup_table_changed();
CREATE TRIGGER lookup_table_kind_changed AFTER UPDATE OF kind ON mta.lookup_table
    FOR EACH ROW EXECUTE FUNCTION mta.lookup_table_changed();

-- The entries by the name of their table, for people:
--   INSERT INTO mta.lookup VALUES ('/etc/postfix/virtual', 'Info@Example.com', 'alice');
-- makes the table when it is not there, folds the key, and replaces an entry that is there.
CREATE VIEW mta.lookup AS
    SELECT t.name AS table_name, e.key, e.value, t.kind
    FROM mta.lookup_table t JOIN mta.lookup_entry e ON e.table_id = t.id AND e.kind = t.kind;

-- Writes one entry. A kind other than NULL has to be that of the table; a table that is not there is made.
CREATE FUNCTION mta.lookup_put(table_name text, kind text, key text, value text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    target mta.lookup_table;
BEGIN
    INSERT INTO mta.lookup_table (name, kind) VALUES (lookup_put.table_name, coalesce(lookup_put.kind, 'map')) ON CONFLICT (name) DO NOTHING;
    SELECT t.* INTO STRICT target FROM mta.lookup_table t WHERE t.name = lookup_put.table_name;
    IF target.kind <> coalesce(lookup_put.kind, target.kind) THEN
        RAISE EXCEPTION 'table % holds rows of kind %, not %', table_name, target.kind, lookup_put.kind USING ERRCODE = 'wrong_object_type';
    END IF;
    INSERT INTO mta.lookup_entry AS e (table_id, key, value, kind) VALUES (target.id, lower(lookup_put.key), lookup_put.value, target.kind)
        ON CONFLICT ON CONSTRAINT lookup_entry_pkey DO UPDATE SET value = excluded.value;
END
$body$;

CREATE FUNCTION mta.lookup_remove(table_name text, key text) RETURNS void LANGUAGE sql AS $body$
    DELETE FROM mta.lookup_entry e USING mta.lookup_table t
    WHERE t.name = lookup_remove.table_name AND e.table_id = t.id AND e.kind = t.kind AND e.key = lookup_remove.key
$body$;

-- With the rights of the owner, so that a role may be given the view and nothing else.
CREATE FUNCTION mta.lookup_write() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND (OLD.table_name, OLD.key) IS DISTINCT FROM (NEW.table_name, lower(NEW.key))) THEN
        PERFORM mta.lookup_remove(OLD.table_name, OLD.key);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    PERFORM mta.lookup_put(NEW.table_name, NULL, NEW.key, NEW.value);
    RETURN NEW;
END
$body$;

CREATE TRIGGER lookup_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.lookup
    FOR EACH ROW EXECUTE FUNCTION mta.lookup_write();
