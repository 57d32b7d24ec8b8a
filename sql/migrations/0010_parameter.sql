-- Parameters of main.cf for all nodes, or for one:
--   INSERT INTO mta.parameter (name, value) VALUES ('smtpd_client_connection_count_limit', '20');
--   INSERT INTO mta.parameter (name, value, node, comment) VALUES ('relayhost', '[relay.example.com]', 'mx1', 'until the move');
--   SELECT mta.set_parameter('message_size_limit', '20480000');
-- What counts: the -o of a service in master.cf, then the node's main.cf, then the row for the node, then the row for all, then the default.
-- Every node takes a committed change within two seconds, without a reload; open sessions end under the old values.

-- The parameter table of the program, written by the migration runner whenever it is another one: what the values are judged by.
CREATE TABLE mta_store.parameter_definition (
    -- A name, or for the counterparts that each transport has, '*' and the end of their names.
    name text PRIMARY KEY,
    kind text NOT NULL,
    minimum bigint,
    maximum bigint,
    default_text text NOT NULL,
    -- Of a time without a unit.
    unit text,
    choices text[],
    is_list boolean NOT NULL,
    -- Why SQL may not set it; NULL when it may.
    refused text,
    -- Whether the text is looked at for what reaches into a host.
    checked boolean NOT NULL,
    -- Whether values in SQL may refer to it.
    referable boolean NOT NULL,
    CONSTRAINT parameter_kind_known CHECK (kind IN ('text', 'raw', 'bool', 'int', 'long', 'time'))
);

CREATE TABLE mta_store.parameter_version (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_row CHECK (only_row),
    -- Raised by every statement that changes mta.parameter; nodes poll it.
    version bigint NOT NULL DEFAULT 1,
    -- Which program wrote the definitions, and what they were.
    definitions_program text NOT NULL DEFAULT '0.0.0',
    definitions text NOT NULL DEFAULT ''
);
INSERT INTO mta_store.parameter_version DEFAULT VALUES;

CREATE TABLE mta.parameter (
    name text NOT NULL,
    value text NOT NULL,
    -- The node that it is for; NULL: for all of them.
    node text,
    comment text,
    changed_by text NOT NULL DEFAULT session_user,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT parameter_is_set_once UNIQUE NULLS NOT DISTINCT (name, node),
    CONSTRAINT parameter_node_has_a_name CHECK (node <> ''),
    CONSTRAINT parameter_value_is_of_sane_length CHECK (octet_length(value) <= 65536)
);

-- What nodes say of rows that they do not take: what only they can judge, such as ${...} and tables. The row before, or main.cf, counts there.
CREATE TABLE mta_store.parameter_problem (
    node text NOT NULL,
    name text NOT NULL,
    problem text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (node, name)
);

CREATE VIEW mta.parameter_problem AS SELECT node, name, problem, seen_at FROM mta_store.parameter_problem;

-- The definition of a name; its counterpart's for a transport's own. NULL when nothing reads the name.
CREATE FUNCTION mta_store.parameter_definition_of(wanted text) RETURNS mta_store.parameter_definition LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    SELECT d FROM mta_store.parameter_definition d
    WHERE d.name = wanted OR (left(d.name, 1) = '*' AND length(wanted) >= length(d.name) AND right(wanted, length(d.name) - 1) = substr(d.name, 2))
    ORDER BY d.name = wanted DESC, length(d.name) DESC LIMIT 1
$body$;

-- What is wrong with a number or a time; NULL when nothing is.
CREATE FUNCTION mta_store.parameter_number_problem(name text, value text, d mta_store.parameter_definition) RETURNS text LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    parts text[];
    number numeric;
    unit text := '';
BEGIN
    IF d.kind = 'time' THEN
        parts := regexp_match(value, '^\s*([+-]?\d+)\s*([smhdw]?)$');
        IF parts IS NULL THEN
            RETURN format('parameter %s: bad time value or unit: %s (write a whole number and s, m, h, d or w, as in %s)', name, value, d.default_text);
        END IF;
        unit := ' s';
        number := parts[1]::numeric * CASE coalesce(nullif(parts[2], ''), d.unit, 's') WHEN 'm' THEN 60 WHEN 'h' THEN 3600 WHEN 'd' THEN 86400 WHEN 'w' THEN 604800 ELSE 1 END;
    ELSE
        IF value !~ '^[+-]?\d+$' THEN
            RETURN format('bad numerical configuration: %s = %s (write a whole number)', name, value);
        END IF;
        number := value::numeric;
    END IF;
    IF number < d.minimum THEN
        RETURN format('invalid %s parameter value %s < %s%s', name, value, d.minimum, unit);
    ELSIF number > coalesce(d.maximum, CASE d.kind WHEN 'long' THEN 9223372036854775807 ELSE 2147483647 END) THEN
        RETURN format('invalid %s parameter value %s > %s%s', name, value, coalesce(d.maximum, CASE d.kind WHEN 'long' THEN 9223372036854775807 ELSE 2147483647 END), unit);
    END IF;
    RETURN NULL;
END
$body$;

-- What in a text reaches into a host; NULL when nothing does. StoredParameterPolicy has the same rules, for the text after expansion.
CREATE FUNCTION mta_store.parameter_host_reference(name text, value text) RETURNS text LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    found text;
BEGIN
    found := coalesce(
        substring(value FROM '(?i)(?<![a-z0-9_])(?:texthash|pipe|unix|environ|pgsql|ldap|mysql|sqlite|mongodb|memcache|nis|nisplus|netinfo|fifo|file|dev|egd|:include)\s*:'),
        substring(value FROM '(?i)(?<![a-z0-9_])(?:regexp|pcre|cidr)\s*:(?!\s*\{)'),
        substring(value FROM '(?i)(?<![a-z0-9_])socketmap\s*:(?!inet:)'));
    IF found IS NOT NULL THEN
        RETURN format('"%s" reads from the host or from another database, which a value in SQL may not', btrim(found));
    ELSIF name ~ '_milters$' AND value ~* 'local:' THEN
        RETURN '"local:" is a socket of the host, which a value in SQL may not name';
    ELSIF value ~ '(?:^|[\s,{}(!"=:])\|' OR value ~* 'static\s*:\s*\{?\s*["/|]'
        OR regexp_replace(value, '(?:regexp|pcre)\s*:\s*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}', '', 'gi') ~ '(?:^|[\s,{}(!"=])/' THEN
        RETURN 'a file or a command of the host, which a value in SQL may not name';
    END IF;
    RETURN NULL;
END
$body$;

-- What is wrong with a row; NULL when nothing is that the database can judge.
CREATE FUNCTION mta_store.parameter_row_problem(name text, value text) RETURNS text LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    d mta_store.parameter_definition;
    reference text;
    word text;
BEGIN
    d := mta_store.parameter_definition_of(name);
    IF d.name IS NULL THEN
        IF EXISTS (SELECT FROM mta.parameter p WHERE p.name = 'smtpd_restriction_classes' AND parameter_row_problem.name = ANY (regexp_split_to_array(p.value, '[,\s]+'))) THEN
            d.kind := 'text';
            d.checked := true;
        ELSE
            RETURN format('%s: unknown parameter (user-defined ones belong into main.cf; restriction classes are named in smtpd_restriction_classes first)', name);
        END IF;
    END IF;
    IF d.refused IS NOT NULL THEN
        RETURN format('%s cannot be set in SQL: %s; set it in main.cf', name, d.refused);
    END IF;
    IF value ~ '[\x01-\x08\x0a-\x1f\x7f]' THEN
        RETURN format('%s: a value is one line of text', name);
    END IF;
    IF d.kind <> 'raw' THEN
        FOR reference IN SELECT m[1] FROM regexp_matches(replace(value, '$$', ''), '\$[{(]?\s*([A-Za-z0-9_]+)(?!\w|\{)', 'g') AS m LOOP
            IF NOT coalesce((mta_store.parameter_definition_of(reference)).referable, false) THEN
                RETURN format('%s = %s: a value in SQL may not refer to $%s', name, value, reference);
            END IF;
        END LOOP;
        IF length(replace(value, '{', '')) <> length(replace(value, '}', '')) AND value ~ '\$\{' THEN
            RETURN format('%s = %s: truncated macro reference: every { needs its }', name, value);
        END IF;
    END IF;
    IF d.checked THEN
        reference := mta_store.parameter_host_reference(name, value);
        IF reference IS NOT NULL THEN
            RETURN format('%s = %s: %s', name, value, reference);
        END IF;
    END IF;
    -- What an expression becomes only the node can say.
    IF value ~ '\$' AND d.kind <> 'raw' THEN
        RETURN NULL;
    END IF;
    IF d.kind = 'bool' AND lower(value) NOT IN ('yes', 'no') THEN
        RETURN format('bad boolean configuration: %s = %s (write yes or no)', name, value);
    ELSIF d.kind IN ('int', 'long', 'time') THEN
        RETURN mta_store.parameter_number_problem(name, value, d);
    ELSIF d.kind IN ('text', 'raw') AND length(value) < d.minimum THEN
        RETURN format('bad string length %s < %s: %s = %s (give it a value)', length(value), d.minimum, name, value);
    ELSIF d.kind IN ('text', 'raw') AND length(value) > d.maximum THEN
        RETURN format('bad string length %s > %s: %s = %s', length(value), d.maximum, name, value);
    END IF;
    FOREACH word IN ARRAY CASE WHEN d.is_list THEN regexp_split_to_array(value, '[,\s]+') ELSE ARRAY[value] END LOOP
        IF NOT (lower(word) = ANY (d.choices)) AND NOT (word = '' AND d.is_list) THEN
            RETURN format('bad value of %s: "%s" (write %s of: %s)', name, word, CASE WHEN d.is_list THEN 'any' ELSE 'one' END,
                          array_to_string(array_remove(d.choices, ''), ', ') || CASE WHEN '' = ANY (d.choices) THEN ', or nothing' ELSE '' END);
        END IF;
    END LOOP;
    RETURN NULL;
END
$body$;

CREATE FUNCTION mta.parameter_checked() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    problem text;
BEGIN
    NEW.name := btrim(NEW.name);
    NEW.value := btrim(regexp_replace(NEW.value, '[ \t]*[\r\n]+[ \t]*', ' ', 'g'), E' \t');
    problem := mta_store.parameter_row_problem(NEW.name, NEW.value);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING ERRCODE = 'check_violation', SCHEMA = 'mta', TABLE = 'parameter';
    END IF;
    IF NEW.node IS NOT NULL AND NOT EXISTS (SELECT FROM mta.node n WHERE n.name = NEW.node) THEN
        RAISE WARNING 'no node is named % yet', NEW.node USING HINT = 'mta.node has the names.';
    END IF;
    NEW.changed_by := coalesce(nullif(current_setting('mta.operator', true), ''), session_user);
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END
$body$;

CREATE TRIGGER parameter_checked BEFORE INSERT OR UPDATE ON mta.parameter FOR EACH ROW EXECUTE FUNCTION mta.parameter_checked();

CREATE FUNCTION mta.parameter_changed() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    UPDATE mta_store.parameter_version SET version = version + 1;
    -- Nodes that listen look at once, all others within a second.
    PERFORM pg_notify('mta_parameter', '');
    RETURN NULL;
END
$body$;

CREATE TRIGGER parameter_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON mta.parameter
    FOR EACH STATEMENT EXECUTE FUNCTION mta.parameter_changed();

-- Sets a parameter, whether it was set or not; for all nodes unless one is named.
CREATE FUNCTION mta.set_parameter(name text, value text, node text DEFAULT NULL, comment text DEFAULT NULL) RETURNS void LANGUAGE sql AS $body$
    INSERT INTO mta.parameter AS p (name, value, node, comment) VALUES ($1, $2, $3, $4)
    ON CONFLICT ON CONSTRAINT parameter_is_set_once DO UPDATE SET value = excluded.value, comment = coalesce(excluded.comment, p.comment)
$body$;

-- Takes the row away: what main.cf, the row for all, or the default says counts again. False when there was none.
CREATE FUNCTION mta.reset_parameter(name text, node text DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $body$
    WITH gone AS (DELETE FROM mta.parameter p WHERE p.name = $1 AND p.node IS NOT DISTINCT FROM $2 RETURNING 1) SELECT EXISTS (SELECT FROM gone)
$body$;

-- The rows that count for a node, for commands of users who see no table.
CREATE FUNCTION mta.parameters_of(wanted text) RETURNS TABLE (name text, value text, node text, changed_by text, changed_at timestamptz) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    SELECT p.name, p.value, p.node, p.changed_by, p.changed_at FROM mta.parameter p WHERE p.node IS NULL OR p.node = wanted
$body$;
