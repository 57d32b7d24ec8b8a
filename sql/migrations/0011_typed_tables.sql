-- Typed tables: the partitions of mta.lookup_entry, each with the rules of its kind, and a view of each for people. A reference such as
-- hash:/etc/postfix/virtual or sql:virtual reads the table of that name, whichever kind it is.
--
--   INSERT INTO mta.virtual (address, targets) VALUES ('Info@Example.com', 'alice, bob');
--
-- folds the key and replaces an entry that is there. Without a map it goes to the only table of the kind, else to the one that has the
-- kind's name (sql:virtual), which is made when there is none.

-- The table that a row without a map is for.
CREATE FUNCTION mta.default_map(kind text) RETURNS text LANGUAGE plpgsql STABLE AS $body$
DECLARE
    names text[];
BEGIN
    SELECT array_agg(t.name ORDER BY t.name) INTO names FROM mta.lookup_table t WHERE t.kind = default_map.kind;
    IF names IS NULL OR default_map.kind = ANY (names) THEN
        RETURN default_map.kind;
    END IF;
    IF cardinality(names) = 1 THEN
        RETURN names[1];
    END IF;
    RAISE EXCEPTION 'there are several tables of kind %: say which one in the column map', kind
        USING ERRCODE = 'not_null_violation', HINT = 'They are: ' || array_to_string(names, ', ');
END
$body$;

-- Arguments: kind, column of the key, column of the value. With the rights of the owner, so that a role may be given one view and nothing else.
CREATE FUNCTION mta.typed_write() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    value text;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        NEW.map := coalesce(NEW.map, mta.default_map(TG_ARGV[0]));
        new_row := new_row || jsonb_build_object('map', NEW.map);
    END IF;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND (old_row->>'map', old_row->>TG_ARGV[1]) IS DISTINCT FROM (NEW.map, lower(new_row->>TG_ARGV[1]))) THEN
        PERFORM mta.lookup_remove(old_row->>'map', old_row->>TG_ARGV[1]);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    value := CASE WHEN TG_ARGV[0] = 'transport' THEN concat(new_row->>'transport', ':', new_row->>'nexthop') ELSE new_row->>TG_ARGV[2] END;
    PERFORM mta.lookup_put(NEW.map, TG_ARGV[0], new_row->>TG_ARGV[1], value);
    RETURN NEW;
END
$body$;

-- aliases(5): names of this system and where their mail goes.
CREATE TABLE mta.aliases_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT aliases_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT alias_name_is_one_line CHECK (key !~ '[\n\r]'),
    CONSTRAINT alias_has_targets CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]')
) FOR VALUES IN ('aliases');
CREATE VIEW mta.aliases AS
    SELECT t.name AS map, e.key AS name, e.value AS targets
    FROM mta.lookup_table t JOIN mta.aliases_entry e ON e.table_id = t.id WHERE t.kind = 'aliases';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.aliases
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('aliases', 'name', 'targets');
COMMENT ON TABLE mta.aliases_entry IS 'aliases(5): names of this system and where their mail goes. Change it through the view mta.aliases.';
COMMENT ON VIEW mta.aliases IS 'aliases(5): names of this system and where their mail goes.';
COMMENT ON COLUMN mta.aliases.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.aliases.name IS 'The local part, without quotes and domain.';
COMMENT ON COLUMN mta.aliases.targets IS 'Addresses, separated by commas; "|command", /file and :include:/file as in aliases(5).';

-- canonical(5): addresses that are rewritten in envelope and headers.
CREATE TABLE mta.canonical_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT canonical_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT canonical_address_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT canonical_new_address_is_one_address CHECK (value ~ '^[[:space:]]*("([^"\\]|\\.)*"|[^[:space:],"])+[[:space:]]*$')
) FOR VALUES IN ('canonical');
CREATE VIEW mta.canonical AS
    SELECT t.name AS map, e.key AS address, e.value AS new_address
    FROM mta.lookup_table t JOIN mta.canonical_entry e ON e.table_id = t.id WHERE t.kind = 'canonical';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.canonical
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('canonical', 'address', 'new_address');
COMMENT ON TABLE mta.canonical_entry IS 'canonical(5): addresses that are rewritten in envelope and headers. Change it through the view mta.canonical.';
COMMENT ON VIEW mta.canonical IS 'canonical(5): addresses that are rewritten in envelope and headers.';
COMMENT ON COLUMN mta.canonical.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.canonical.address IS 'user@domain, user, or @domain.';
COMMENT ON COLUMN mta.canonical.new_address IS 'The address, or @domain to replace the domain only.';

-- virtual(5): addresses of any domain and where their mail goes.
CREATE TABLE mta.virtual_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT virtual_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT virtual_address_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT virtual_has_targets CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]')
) FOR VALUES IN ('virtual');
CREATE VIEW mta.virtual AS
    SELECT t.name AS map, e.key AS address, e.value AS targets
    FROM mta.lookup_table t JOIN mta.virtual_entry e ON e.table_id = t.id WHERE t.kind = 'virtual';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.virtual
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('virtual', 'address', 'targets');
COMMENT ON TABLE mta.virtual_entry IS 'virtual(5): addresses of any domain and where their mail goes. Change it through the view mta.virtual.';
COMMENT ON VIEW mta.virtual IS 'virtual(5): addresses of any domain and where their mail goes.';
COMMENT ON COLUMN mta.virtual.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.virtual.address IS 'user@domain, user, @domain, or a domain.';
COMMENT ON COLUMN mta.virtual.targets IS 'Addresses, separated by commas.';

-- transport(5): how mail for an address or domain is delivered.
CREATE TABLE mta.transport_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT transport_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT transport_pattern_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT transport_names_a_service_and_a_next_hop CHECK (value ~ '^[[:alnum:]._-]*(:[^[:cntrl:]]*)?$')
) FOR VALUES IN ('transport');
CREATE VIEW mta.transport AS
    SELECT t.name AS map, e.key AS pattern, split_part(e.value, ':', 1) AS transport, substr(e.value, strpos(e.value || ':', ':') + 1) AS nexthop
    FROM mta.lookup_table t JOIN mta.transport_entry e ON e.table_id = t.id WHERE t.kind = 'transport';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.transport
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('transport', 'pattern', '');
COMMENT ON TABLE mta.transport_entry IS 'transport(5): how mail for an address or domain is delivered. Change it through the view mta.transport.';
COMMENT ON VIEW mta.transport IS 'transport(5): how mail for an address or domain is delivered.';
COMMENT ON COLUMN mta.transport.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.transport.pattern IS 'user@domain, a domain, .domain for its subdomains, or *.';
COMMENT ON COLUMN mta.transport.transport IS 'The service of master.cf; empty: as without this entry.';
COMMENT ON COLUMN mta.transport.nexthop IS 'host, [host]:port, or what the service takes; empty: the domain.';

-- relocated(5): users that have moved.
CREATE TABLE mta.relocated_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT relocated_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT relocated_address_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT relocated_says_where_to CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]')
) FOR VALUES IN ('relocated');
CREATE VIEW mta.relocated AS
    SELECT t.name AS map, e.key AS address, e.value AS new_location
    FROM mta.lookup_table t JOIN mta.relocated_entry e ON e.table_id = t.id WHERE t.kind = 'relocated';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.relocated
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('relocated', 'address', 'new_location');
COMMENT ON TABLE mta.relocated_entry IS 'relocated(5): users that have moved. Change it through the view mta.relocated.';
COMMENT ON VIEW mta.relocated IS 'relocated(5): users that have moved.';
COMMENT ON COLUMN mta.relocated.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.relocated.address IS 'user@domain, user, or @domain.';
COMMENT ON COLUMN mta.relocated.new_location IS 'What is told to whoever writes there: an address, or any text.';

-- access(5): what is done with clients, senders and recipients.
CREATE TABLE mta.access_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT access_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT access_pattern_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT access_action_has_text CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]'),
    CONSTRAINT access_action_has_its_argument CHECK (value !~* '^[[:space:]]*(filter|redirect|bcc|prepend)[[:space:]]*$'),
    CONSTRAINT access_filter_names_a_service_and_a_destination CHECK (value !~* '^[[:space:]]*filter[[:space:]]' OR value ~* '^[[:space:]]*filter[[:space:]]+[^[:space:]:]+:')
) FOR VALUES IN ('access');
CREATE VIEW mta.access AS
    SELECT t.name AS map, e.key AS pattern, e.value AS action
    FROM mta.lookup_table t JOIN mta.access_entry e ON e.table_id = t.id WHERE t.kind = 'access';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.access
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('access', 'pattern', 'action');
COMMENT ON TABLE mta.access_entry IS 'access(5): what is done with clients, senders and recipients. Change it through the view mta.access.';
COMMENT ON VIEW mta.access IS 'access(5): what is done with clients, senders and recipients.';
COMMENT ON COLUMN mta.access.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.access.pattern IS 'A host or domain name, an address or network (192.0.2), user@domain, domain, user@, or <>.';
COMMENT ON COLUMN mta.access.action IS 'OK, REJECT text, 4NN text, 5NN text, DUNNO, HOLD, FILTER transport:destination, REDIRECT user@domain ....';

-- generic(5): addresses that are rewritten when mail leaves by SMTP.
CREATE TABLE mta.generic_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT generic_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT generic_address_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT generic_new_address_is_one_address CHECK (value ~ '^[[:space:]]*("([^"\\]|\\.)*"|[^[:space:],"])+[[:space:]]*$')
) FOR VALUES IN ('generic');
CREATE VIEW mta.generic AS
    SELECT t.name AS map, e.key AS address, e.value AS new_address
    FROM mta.lookup_table t JOIN mta.generic_entry e ON e.table_id = t.id WHERE t.kind = 'generic';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.generic
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('generic', 'address', 'new_address');
COMMENT ON TABLE mta.generic_entry IS 'generic(5): addresses that are rewritten when mail leaves by SMTP. Change it through the view mta.generic.';
COMMENT ON VIEW mta.generic IS 'generic(5): addresses that are rewritten when mail leaves by SMTP.';
COMMENT ON COLUMN mta.generic.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.generic.address IS 'user@domain, user, or @domain.';
COMMENT ON COLUMN mta.generic.new_address IS 'The address, or @domain to replace the domain only.';

-- sender_bcc_maps and recipient_bcc_maps: who gets a copy.
CREATE TABLE mta.bcc_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT bcc_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT bcc_address_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT bcc_goes_somewhere CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]')
) FOR VALUES IN ('bcc');
CREATE VIEW mta.bcc AS
    SELECT t.name AS map, e.key AS address, e.value AS bcc
    FROM mta.lookup_table t JOIN mta.bcc_entry e ON e.table_id = t.id WHERE t.kind = 'bcc';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.bcc
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('bcc', 'address', 'bcc');
COMMENT ON TABLE mta.bcc_entry IS 'sender_bcc_maps and recipient_bcc_maps: who gets a copy. Change it through the view mta.bcc.';
COMMENT ON VIEW mta.bcc IS 'sender_bcc_maps and recipient_bcc_maps: who gets a copy.';
COMMENT ON COLUMN mta.bcc.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.bcc.address IS 'user@domain, user, or @domain.';
COMMENT ON COLUMN mta.bcc.bcc IS 'The address that gets the copy.';

-- smtpd_sender_login_maps: which logins own a sender address.
CREATE TABLE mta.sender_login_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT sender_login_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT sender_login_address_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT sender_login_has_logins CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]')
) FOR VALUES IN ('sender_login');
CREATE VIEW mta.sender_login AS
    SELECT t.name AS map, e.key AS address, e.value AS logins
    FROM mta.lookup_table t JOIN mta.sender_login_entry e ON e.table_id = t.id WHERE t.kind = 'sender_login';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.sender_login
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('sender_login', 'address', 'logins');
COMMENT ON TABLE mta.sender_login_entry IS 'smtpd_sender_login_maps: which logins own a sender address. Change it through the view mta.sender_login.';
COMMENT ON VIEW mta.sender_login IS 'smtpd_sender_login_maps: which logins own a sender address.';
COMMENT ON COLUMN mta.sender_login.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.sender_login.address IS 'user@domain, user, or @domain.';
COMMENT ON COLUMN mta.sender_login.logins IS 'SASL login names, separated by commas.';

-- virtual_mailbox_maps: mailboxes below virtual_mailbox_base.
CREATE TABLE mta.mailbox_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT mailbox_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT mailbox_address_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT mailbox_has_a_path CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]'),
    CONSTRAINT mailbox_stays_below_its_base CHECK (value !~ '(^|/)\.\.(/|$)')
) FOR VALUES IN ('mailbox');
CREATE VIEW mta.mailbox AS
    SELECT t.name AS map, e.key AS address, e.value AS mailbox
    FROM mta.lookup_table t JOIN mta.mailbox_entry e ON e.table_id = t.id WHERE t.kind = 'mailbox';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.mailbox
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('mailbox', 'address', 'mailbox');
COMMENT ON TABLE mta.mailbox_entry IS 'virtual_mailbox_maps: mailboxes below virtual_mailbox_base. Change it through the view mta.mailbox.';
COMMENT ON VIEW mta.mailbox IS 'virtual_mailbox_maps: mailboxes below virtual_mailbox_base.';
COMMENT ON COLUMN mta.mailbox.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.mailbox.address IS 'user@domain, or @domain.';
COMMENT ON COLUMN mta.mailbox.mailbox IS 'The path; with / at its end a maildir.';

-- sender_dependent_relayhost_maps: the next hop by sender.
CREATE TABLE mta.relayhost_entry PARTITION OF mta.lookup_entry (
    CONSTRAINT relayhost_key_is_folded CHECK (key = lower(key)),
    CONSTRAINT relayhost_sender_is_one_word CHECK (key ~ '^("([^"\\]|\\.)*"|[^[:space:]"])+$'),
    CONSTRAINT relayhost_has_text CHECK (value ~ '[^[:space:]]' AND value !~ '[\n\r]')
) FOR VALUES IN ('relayhost');
CREATE VIEW mta.relayhost AS
    SELECT t.name AS map, e.key AS sender, e.value AS relayhost
    FROM mta.lookup_table t JOIN mta.relayhost_entry e ON e.table_id = t.id WHERE t.kind = 'relayhost';
CREATE TRIGGER typed_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.relayhost
    FOR EACH ROW EXECUTE FUNCTION mta.typed_write('relayhost', 'sender', 'relayhost');
COMMENT ON TABLE mta.relayhost_entry IS 'sender_dependent_relayhost_maps: the next hop by sender. Change it through the view mta.relayhost.';
COMMENT ON VIEW mta.relayhost IS 'sender_dependent_relayhost_maps: the next hop by sender.';
COMMENT ON COLUMN mta.relayhost.map IS 'The table, as references name it after the type: /etc/postfix/... or a word.';
COMMENT ON COLUMN mta.relayhost.sender IS 'user@domain, @domain, or <>.';
COMMENT ON COLUMN mta.relayhost.relayhost IS '[host]:port, a domain, or DUNNO.';

-- Statements that name a partition fire its triggers, not those of lookup_entry; nodes have to see what they change, too.
DO $body$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'mta.lookup_entry'::regclass ORDER BY 1 LOOP
        EXECUTE format($sql$
            CREATE TRIGGER entry_inserted AFTER INSERT ON %1$s
                REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('new');
            CREATE TRIGGER entry_deleted AFTER DELETE ON %1$s
                REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('old');
            CREATE TRIGGER entry_updated AFTER UPDATE ON %1$s
                REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('new');
            CREATE TRIGGER entry_updated_from AFTER UPDATE ON %1$s
                REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('old');
            CREATE TRIGGER entry_truncated AFTER TRUNCATE ON %1$s
                FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();
            $sql$, partition);
    END LOOP;
END
$body$;

-- Rules of patterns in order: what cidr:, regexp: and pcre: read when rules are stored under their path or name. A rule is a line as the
-- files have it: '/^Subject: x/ REJECT', '192.0.2.0/24 OK', 'if /x/', 'endif'.

CREATE FUNCTION mta.is_network_rule(rule text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $body$
BEGIN
    PERFORM translate(substring(rule FROM '^(?:if[[:space:]]+)?[![:space:]]*([^[:space:]]+)'), '[]', '')::cidr;
    RETURN true;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$body$;

CREATE TABLE mta.pattern_rule (
    table_id bigint NOT NULL,
    kind text NOT NULL,
    position integer NOT NULL,
    rule text NOT NULL,
    PRIMARY KEY (table_id, position),
    FOREIGN KEY (table_id, kind) REFERENCES mta.lookup_table (id, kind) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT rule_kind_is_one_of_patterns CHECK (kind IN ('cidr', 'regexp', 'pcre')),
    CONSTRAINT rule_is_one_line_with_text CHECK (rule ~ '^[^[:space:]]' AND rule !~ '[\n\r]'),
    CONSTRAINT cidr_rule_names_a_network CHECK (kind <> 'cidr' OR rule ~* '^endif[[:space:]]*$' OR mta.is_network_rule(rule)),
    CONSTRAINT pattern_is_between_delimiters CHECK (
        kind = 'cidr' OR rule ~* '^endif[[:space:]]*$'
        OR rule ~* '^(if[[:space:]]+)?[![:space:]]*([^[:alnum:][:space:]\\!]).*\2[[:alpha:]]*([[:space:]]|!|$)')
);
COMMENT ON TABLE mta.pattern_rule IS 'Rules of cidr:, regexp: and pcre: tables. Change them through the view mta.pattern.';

CREATE TRIGGER pattern_rule_inserted AFTER INSERT ON mta.pattern_rule
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('rule');
CREATE TRIGGER pattern_rule_deleted AFTER DELETE ON mta.pattern_rule
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('rule');
CREATE TRIGGER pattern_rule_updated AFTER UPDATE ON mta.pattern_rule
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('rule');
CREATE TRIGGER pattern_rule_updated_from AFTER UPDATE ON mta.pattern_rule
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed('rule');
CREATE TRIGGER pattern_rule_truncated AFTER TRUNCATE ON mta.pattern_rule
    FOR EACH STATEMENT EXECUTE FUNCTION mta.lookup_changed();

CREATE VIEW mta.pattern AS
    SELECT t.name AS map, t.kind AS type, r.position, r.rule
    FROM mta.lookup_table t JOIN mta.pattern_rule r ON r.table_id = t.id;
COMMENT ON VIEW mta.pattern IS 'Rules of cidr:, regexp: and pcre: tables, the first that matches counts. Order by position.';
COMMENT ON COLUMN mta.pattern.map IS 'The table, as references name it after the type: /etc/postfix/header_checks, or a word.';
COMMENT ON COLUMN mta.pattern.type IS 'cidr, regexp or pcre.';
COMMENT ON COLUMN mta.pattern.position IS 'The order within the table; NULL puts a new rule at the end. Messages name it as the line.';
COMMENT ON COLUMN mta.pattern.rule IS 'A line as in a file: pattern and result, or if and endif.';

CREATE FUNCTION mta.pattern_write() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    target mta.lookup_table;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM mta.pattern_rule r USING mta.lookup_table t WHERE t.name = OLD.map AND r.table_id = t.id AND r.position = OLD.position;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    INSERT INTO mta.lookup_table (name, kind) VALUES (NEW.map, coalesce(NEW.type, 'regexp')) ON CONFLICT (name) DO NOTHING;
    SELECT t.* INTO STRICT target FROM mta.lookup_table t WHERE t.name = NEW.map FOR NO KEY UPDATE;
    IF target.kind <> coalesce(NEW.type, target.kind) THEN
        RAISE EXCEPTION 'table % holds rows of kind %, not %', NEW.map, target.kind, NEW.type USING ERRCODE = 'wrong_object_type';
    END IF;
    NEW.type := target.kind;
    NEW.position := coalesce(NEW.position, (SELECT coalesce(max(r.position), 0) + 10 FROM mta.pattern_rule r WHERE r.table_id = target.id));
    INSERT INTO mta.pattern_rule (table_id, kind, position, rule) VALUES (target.id, target.kind, NEW.position, NEW.rule);
    RETURN NEW;
END
$body$;
CREATE TRIGGER pattern_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.pattern
    FOR EACH ROW EXECUTE FUNCTION mta.pattern_write();
