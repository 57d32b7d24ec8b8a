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

-- What the views refuse beyond the CHECKs: rows that Postfix's tools store as well, but that no lookup finds or no service understands.
-- postmap, postalias and imports take them, as Postfix's do; whoever writes SQL hears what is wrong, where, and how to mend it.

-- Why this is not one address; NULL when it is.
CREATE FUNCTION mta_store.address_problem(address text, takes_bare_domain boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $body$
    SELECT CASE
        WHEN plain ~ '"' THEN 'has a quote that is not closed'
        WHEN plain ~ '[<>]' AND address <> '<>' THEN 'is written without < and >'
        WHEN plain ~ ',' THEN 'is more than one address'
        WHEN plain ~ '[[:space:]]' THEN 'has white space, which only a local part in quotes may have'
        WHEN plain ~ '@$' THEN 'lacks the domain after @'
        WHEN plain ~ '^@' AND NOT takes_bare_domain THEN 'lacks the local part before @'
    END
    FROM regexp_replace(btrim(address), '"([^"\\]|\\.)*"', 'x', 'g') AS plain
$body$;

-- What is wrong with a list of addresses; NULL when nothing is.
CREATE FUNCTION mta_store.address_list_problem(list text, is_aliases boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
    plain text := regexp_replace(list, '"([^"\\]|\\.)*"|\([^()]*\)', 'x', 'g');
    element text;
    target text;
    problem text;
BEGIN
    IF plain ~ '["()]' THEN
        RETURN format('"%s" has a quote or a parenthesis that is not closed', list);
    ELSIF plain ~ '(^|,)[[:space:]]*(,|$)' THEN
        RETURN format('"%s" has a comma with no address before or after it', list);
    END IF;
    FOR element IN SELECT btrim(m[1]) FROM regexp_matches(list, '((?:"(?:[^"\\]|\\.)*"|\([^()]*\)|[^",(])+)', 'g') AS m LOOP
        target := btrim(regexp_replace(element, '^"(.*)"$', '\1'));
        IF target ~ '^\|' OR target ~* '^:include:' OR (target ~ '^/' AND target !~ '@') THEN
            IF NOT is_aliases THEN
                RETURN format('"%s" is no address: commands, files and :include: are for aliases(5)', element);
            ELSIF target ~ '^\|[[:space:]]*$' THEN
                RETURN format('"%s" names no command', element);
            ELSIF target ~* '^:include:' AND target !~* '^:include:/.' THEN
                RETURN format('"%s" has to name a file by its full path', element);
            END IF;
        ELSE
            -- Comments, and names before <address>, are taken in aliases; a backslash before a user is Sendmail's.
            target := btrim(regexp_replace(element, '\([^()]*\)', '', 'g'));
            target := CASE WHEN is_aliases THEN regexp_replace(regexp_replace(target, '^.*<([^<>]*)>$', '\1'), '^\\', '') ELSE target END;
            problem := CASE WHEN target <> '' THEN mta_store.address_problem(target, NOT is_aliases) END;
            IF problem IS NOT NULL THEN
                RETURN format('"%s" %s', element, problem);
            END IF;
        END IF;
    END LOOP;
    RETURN NULL;
END
$body$;

-- What is wrong with a next hop, or several of them, as smtp(8) takes them; NULL when nothing is.
CREATE FUNCTION mta_store.next_hop_problem(nexthop text) RETURNS text LANGUAGE sql IMMUTABLE AS $body$
    SELECT CASE
        WHEN hop ~ '[][]' AND hop !~ '^\[[^][]+\](:[[:alnum:]-]+)?$' THEN format('"%s" is no [host] or [host]:port', hop)
        WHEN hop !~ '^\[' AND hop !~ '^[^:]*(:[[:alnum:]-]+)?$' THEN format('"%s" is no host or host:port', hop)
        WHEN hop ~ ':[0-9]{6,}$' OR (hop ~ ':[0-9]{5}$' AND right(hop, 5)::integer > 65535) THEN format('"%s": a port is at most 65535', hop)
    END
    FROM regexp_split_to_table(btrim(nexthop), '[[:space:],]+') AS part, regexp_replace(part, '^inet:', '') AS hop
    WHERE hop <> '' AND hop !~ '^unix:'
    ORDER BY 1 LIMIT 1
$body$;

-- What smtpd(8) would not understand in a result of an access table; NULL when it is an action of access(5), a reply, a number, or
-- restrictions. One word that is none of them may be a class of smtpd_restriction_classes, whose names are in lower case.
CREATE FUNCTION mta_store.access_problem(action text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
    result text := btrim(action);
    words text[] := regexp_split_to_array(btrim(result, E', \t'), '[[:space:],]+');
    argument text := btrim(substr(result, length(substring(result FROM '^[^[:space:]]*')) + 1));
    unknown text[] := '{}';
    word text;
    position integer := 1;
BEGIN
    IF result ~ '^[0-9]+$' OR result ~ '^[45][0-9][0-9][[:space:]]' THEN
        RETURN NULL;
    ELSIF result ~ '^[0-9]+[[:space:]]' THEN
        RETURN format('"%s" is no reply: its code is 4NN or 5NN', result);
    END IF;
    CASE upper(substring(result FROM '^[^[:space:]]*'))
        WHEN 'OK', 'DUNNO', 'REJECT', 'DEFER', 'DEFER_IF_REJECT', 'DEFER_IF_PERMIT', 'DISCARD', 'HOLD', 'INFO', 'WARN', 'FILTER' THEN
            RETURN NULL;
        WHEN 'BCC', 'REDIRECT' THEN
            RETURN '"' || argument || '" ' || mta_store.address_problem(argument, false);
        WHEN 'PREPEND' THEN
            RETURN CASE WHEN argument <> '' AND argument !~ '^[!-9;-~]+[[:space:]]*:' THEN format('"%s" is no header: write Name: text', argument) END;
        ELSE
            NULL;
    END CASE;
    WHILE position <= cardinality(words) LOOP
        word := lower(words[position]);
        argument := words[position + 1];
        CASE
            WHEN word ~ '^check_[a-z_]+_access$' THEN
                IF argument IS NULL OR argument !~ '^(\{|[a-z]+:.)' THEN
                    RETURN format('"%s" needs a table, as in check_client_access hash:/etc/postfix/clients', words[position]);
                END IF;
                position := position + 2;
            WHEN word = 'check_policy_service' THEN
                IF argument IS NULL OR argument !~ '^(\{|(inet|unix):.)' THEN
                    RETURN format('"%s" needs a server, as in inet:localhost:10023', words[position]);
                END IF;
                position := position + 2;
            WHEN word ~ '^(reject_rbl|reject_rbl_client|permit_dnswl_client|permit_rhswl_client|reject_rhsbl_(client|helo|sender|recipient|reverse_client))$' THEN
                IF argument IS NULL OR argument !~ '\.' THEN
                    RETURN format('"%s" needs a domain', words[position]);
                END IF;
                position := position + 2;
            WHEN word = 'sleep' THEN
                IF argument IS NULL OR argument !~ '^[0-9]+[smhdw]?$' THEN
                    RETURN '"sleep" needs a time';
                END IF;
                position := position + 2;
            ELSE
                -- A table by itself is asked with what its list is about; braces hold arguments of policy services.
                IF word !~ '^[a-z]+:.' AND word !~ '[{}=]' AND word <> ALL (ARRAY[
                    'permit', 'reject', 'defer', 'warn_if_reject', 'defer_if_permit', 'defer_if_reject', 'permit_mynetworks', 'permit_inet_interfaces',
                    'permit_sasl_authenticated', 'permit_tls_clientcerts', 'permit_tls_all_clientcerts', 'permit_auth_destination', 'permit_mx_backup',
                    'permit_naked_ip_address', 'reject_unauth_destination', 'defer_unauth_destination', 'check_relay_domains', 'check_recipient_maps',
                    'reject_unauth_pipelining', 'reject_plaintext_session', 'reject_unknown_client', 'reject_unknown_client_hostname',
                    'reject_unknown_forward_client_hostname', 'reject_unknown_reverse_client_hostname', 'reject_invalid_hostname',
                    'reject_invalid_helo_hostname', 'reject_unknown_hostname', 'reject_unknown_helo_hostname', 'reject_non_fqdn_hostname',
                    'reject_non_fqdn_helo_hostname', 'reject_non_fqdn_sender', 'reject_non_fqdn_recipient', 'reject_unknown_address',
                    'reject_unknown_sender_domain', 'reject_unknown_recipient_domain', 'reject_unlisted_sender', 'reject_unlisted_recipient',
                    'reject_unverified_sender', 'reject_unverified_recipient', 'reject_multi_recipient_bounce', 'reject_maps_rbl',
                    'reject_sender_login_mismatch', 'reject_authenticated_sender_login_mismatch', 'reject_unauthenticated_sender_login_mismatch',
                    'reject_known_sender_login_mismatch']) THEN
                    unknown := unknown || words[position];
                END IF;
                position := position + 1;
        END CASE;
    END LOOP;
    RETURN CASE
        WHEN cardinality(unknown) > 1 OR unknown[1] !~ '^[a-z][a-z0-9_]*$' THEN format('"%s" is no action of access(5), and no restriction', unknown[1])
    END;
END
$body$;

-- Why no lookup would ever find this key; NULL when one may.
CREATE FUNCTION mta_store.key_problem(kind text, key text) RETURNS text LANGUAGE sql IMMUTABLE AS $body$
    SELECT CASE
        WHEN kind = 'aliases' THEN CASE WHEN key ~ '@' THEN 'is looked up by the local part alone, without @ and domain' END
        WHEN plain = '<>' THEN CASE
            WHEN kind NOT IN ('access', 'relayhost', 'transport', 'sender_login') THEN 'is not looked up: the null sender is not mapped here' END
        WHEN plain ~ '[<>]' THEN 'is looked up without < and >'
        WHEN plain ~ ',' THEN 'is one key: write a row for each address'
        WHEN plain ~ '\*' AND plain <> '*' THEN 'is no wildcard: write '
            || CASE kind WHEN 'transport' THEN '* for all, .domain for subdomains' WHEN 'access' THEN 'the domain, for all addresses in it' ELSE '@domain, for all addresses in it' END
        WHEN plain = '*' AND kind <> 'transport' THEN 'is no wildcard here: write a row for each domain'
        WHEN kind = 'access' AND plain ~ '^[0-9a-f:.]+/[0-9]+$' THEN 'is not looked up: networks of any size are for cidr: tables; here write 192.0.2 for 192.0.2.0/24'
        WHEN kind IN ('access', 'transport') AND plain ~ '^@' THEN 'is not looked up: write the domain without @'
        WHEN kind <> 'access' AND plain ~ '@$' THEN 'lacks the domain after @'
    END
    FROM regexp_replace(key, '"([^"\\]|\\.)*"', 'x', 'g') AS plain
$body$;

-- What is wrong with a row of a view, and the rule that says so; NULL when nothing is.
CREATE FUNCTION mta_store.row_problem(kind text, key text, value text, OUT rule text, OUT problem text) LANGUAGE plpgsql IMMUTABLE AS $body$
BEGIN
    problem := mta_store.key_problem(kind, key);
    IF problem IS NOT NULL THEN
        rule := kind || '_key_is_looked_up';
        problem := format('"%s" %s', key, problem);
        RETURN;
    ELSIF value !~ '[^[:space:]]' THEN
        RETURN; -- The CHECKs say so.
    END IF;
    CASE kind
        WHEN 'aliases' THEN
            rule := 'alias_targets_are_a_list';
            problem := mta_store.address_list_problem(value, true);
        WHEN 'virtual' THEN
            rule := 'virtual_targets_are_a_list_of_addresses';
            problem := mta_store.address_list_problem(value, false);
        WHEN 'canonical', 'generic' THEN
            rule := kind || '_new_address_is_one_address';
            problem := '"' || value || '" ' || mta_store.address_problem(value, true);
        WHEN 'bcc' THEN
            rule := 'bcc_is_one_address';
            problem := '"' || value || '" ' || mta_store.address_problem(value, false);
        WHEN 'transport' THEN
            rule := 'transport_next_hop_is_one';
            problem := CASE WHEN split_part(value, ':', 1) IN ('smtp', 'lmtp', 'relay') THEN mta_store.next_hop_problem(substr(value, strpos(value, ':') + 1)) END;
        WHEN 'relayhost' THEN
            rule := 'relayhost_is_a_next_hop';
            problem := CASE WHEN value !~* '^[[:space:]]*dunno[[:space:]]*$' THEN mta_store.next_hop_problem(value) END;
        WHEN 'access' THEN
            rule := 'access_action_is_known';
            problem := mta_store.access_problem(value);
        WHEN 'sender_login' THEN
            rule := 'sender_login_names_logins';
            problem := CASE WHEN value ~ '(^|,)[[:space:]]*(,|$)' THEN format('"%s" has a comma with no login before or after it', value) END;
        ELSE
            NULL;
    END CASE;
    rule := CASE WHEN problem IS NOT NULL THEN rule END;
END
$body$;

-- What is wrong with a rule of patterns; NULL when nothing is. Brackets are counted by PostgreSQL's own expressions, which agree on those.
CREATE FUNCTION mta_store.rule_problem(kind text, rule text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
    parts text[];
    pattern text;
    rest text;
BEGIN
    IF rule ~* '^endif[[:space:]]*$' THEN
        RETURN NULL;
    ELSIF rule ~ '^[[:space:]]*(#|$)' THEN
        RETURN 'a comment or an empty line is no rule';
    ELSIF kind = 'cidr' THEN
        RETURN CASE WHEN rule !~* '^if[[:space:]]' AND rule !~ '^![[:space:]]*[^[:space:]]+[[:space:]]+[^[:space:]]' AND rule !~ '^[^![:space:]][^[:space:]]*[[:space:]]+[^[:space:]]'
            THEN 'a network needs a result after it' END;
    END IF;
    parts := regexp_match(rule, '^((?:[iI][fF][[:space:]]+)?)([![:space:]]*)([^[:alnum:][:space:]\\!])(.*)$');
    IF parts IS NULL THEN
        RETURN NULL; -- pattern_is_between_delimiters says so.
    END IF;
    pattern := substring(parts[4] FROM '^((?:\\.|[^\\' || CASE WHEN parts[3] IN (']', '^', '-') THEN '\' ELSE '' END || parts[3] || '])*)');
    rest := substr(parts[4], length(pattern) + 2);
    IF length(pattern) = length(parts[4]) THEN
        RETURN NULL;
    ELSIF rest !~ (CASE kind WHEN 'pcre' THEN '^[imsxAEUX]*([[:space:]]|!|$)' ELSE '^[imx]*([[:space:]]|!|$)' END) THEN
        RETURN format('"%s" after the pattern: the flags of %s are %s', substring(rest FROM '^[^[:space:]]*'), kind,
            CASE kind WHEN 'pcre' THEN 'i m s x A E U X' ELSE 'i m x' END);
    ELSIF parts[1] = '' AND rest !~ '[[:space:]][^[:space:]]' THEN
        RETURN 'a pattern needs a result after it';
    END IF;
    BEGIN
        PERFORM '' ~ (CASE WHEN kind = 'regexp' THEN '(?e)' WHEN rest ~ '^[a-zA-Z]*x' THEN '(?x)' ELSE '' END || pattern);
    EXCEPTION WHEN invalid_regular_expression THEN
        IF SQLERRM ~ 'not balanced' AND pattern !~ '\\Q' THEN
            RETURN format('the parentheses or brackets of "%s" are not balanced', pattern);
        END IF;
    END;
    RETURN NULL;
END
$body$;

-- Ends a statement that writes a row which breaks a rule: with the view, the row, what is wrong, and how to mend it.
CREATE FUNCTION mta_store.refuse_row(view_name text, row_name text, rule text, problem text) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'mta.%, %: %', view_name, row_name, coalesce(problem, 'the row breaks the rule ' || rule)
        USING ERRCODE = 'check_violation', CONSTRAINT = rule, SCHEMA = 'mta', TABLE = view_name, HINT = coalesce(
            (SELECT min(obj_description(c.oid, 'pg_constraint')) FROM pg_catalog.pg_constraint c WHERE c.conname = rule),
            (SELECT col_description(('mta.' || view_name)::regclass, CASE
                WHEN rule = view_name || '_key_is_looked_up' THEN 2 ELSE (SELECT max(a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = ('mta.' || view_name)::regclass) END)));
END
$body$;

-- Arguments: kind, column of the key, column of the value. With the rights of the owner, so that a role may be given one view and nothing else.
CREATE FUNCTION mta.typed_write() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    key text := new_row->>TG_ARGV[1];
    row_name text := format('%s "%s"', TG_ARGV[1], key);
    value text;
    found_rule text;
    found_problem text;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        NEW.map := coalesce(NEW.map, mta.default_map(TG_ARGV[0]));
        new_row := new_row || jsonb_build_object('map', NEW.map);
        value := CASE WHEN TG_ARGV[0] = 'transport' THEN concat(new_row->>'transport', ':', new_row->>'nexthop') ELSE new_row->>TG_ARGV[2] END;
        IF key IS NULL OR value IS NULL THEN
            RAISE EXCEPTION 'mta.%: % is missing', TG_ARGV[0], CASE WHEN key IS NULL THEN TG_ARGV[1] ELSE TG_ARGV[2] || ' of ' || row_name END
                USING ERRCODE = 'not_null_violation';
        END IF;
        SELECT p.rule, p.problem INTO found_rule, found_problem FROM mta_store.row_problem(TG_ARGV[0], lower(key), value) p;
        IF new_row->>'transport' ~ ':' THEN
            found_rule := 'transport_has_a_column_of_its_own';
            found_problem := format('transport "%s" is a service alone; what follows the colon belongs into nexthop', new_row->>'transport');
        END IF;
        IF found_rule IS NOT NULL THEN
            PERFORM mta_store.refuse_row(TG_ARGV[0], row_name, found_rule, found_problem);
        END IF;
    END IF;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND (old_row->>'map', old_row->>TG_ARGV[1]) IS DISTINCT FROM (NEW.map, lower(key))) THEN
        PERFORM mta.lookup_remove(old_row->>'map', old_row->>TG_ARGV[1]);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    BEGIN
        PERFORM mta.lookup_put(NEW.map, TG_ARGV[0], key, value);
    EXCEPTION WHEN check_violation THEN
        GET STACKED DIAGNOSTICS found_rule = CONSTRAINT_NAME;
        PERFORM mta_store.refuse_row(TG_ARGV[0], row_name, found_rule, NULL);
    END;
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
    broken text;
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
    IF mta_store.rule_problem(target.kind, NEW.rule) IS NOT NULL THEN
        PERFORM mta_store.refuse_row('pattern', format('rule %s', NEW.rule), 'pattern_rule_is_understood', mta_store.rule_problem(target.kind, NEW.rule));
    END IF;
    NEW.position := coalesce(NEW.position, (SELECT coalesce(max(r.position), 0) + 10 FROM mta.pattern_rule r WHERE r.table_id = target.id));
    BEGIN
        INSERT INTO mta.pattern_rule (table_id, kind, position, rule) VALUES (target.id, target.kind, NEW.position, NEW.rule);
    EXCEPTION WHEN check_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        PERFORM mta_store.refuse_row('pattern', format('rule %s', NEW.rule), broken, NULL);
    END;
    RETURN NEW;
END
$body$;
CREATE TRIGGER pattern_write INSTEAD OF INSERT OR UPDATE OR DELETE ON mta.pattern
    FOR EACH ROW EXECUTE FUNCTION mta.pattern_write();

-- What mends a row that breaks a CHECK: the hint of the error.
COMMENT ON CONSTRAINT lookup_key_has_text_that_an_index_can_hold ON mta.lookup_entry IS 'A key has 1 to 2000 bytes.';
COMMENT ON CONSTRAINT alias_name_is_one_line ON mta.aliases_entry IS 'The local part, without quotes and domain, in one line.';
COMMENT ON CONSTRAINT alias_has_targets ON mta.aliases_entry IS 'Addresses, separated by commas; "|command", /file and :include:/file as in aliases(5); all in one line.';
COMMENT ON CONSTRAINT canonical_new_address_is_one_address ON mta.canonical_entry IS 'One address, or @domain to replace the domain only.';
COMMENT ON CONSTRAINT generic_new_address_is_one_address ON mta.generic_entry IS 'One address, or @domain to replace the domain only.';
COMMENT ON CONSTRAINT virtual_has_targets ON mta.virtual_entry IS 'Addresses, separated by commas, in one line.';
COMMENT ON CONSTRAINT transport_names_a_service_and_a_next_hop ON mta.transport_entry IS 'transport: a service of master.cf, of letters, digits, dot, hyphen and underscore, or empty; nexthop: [host]:port, a domain, or what the service takes.';
COMMENT ON CONSTRAINT relocated_says_where_to ON mta.relocated_entry IS 'The new address, or any text in one line.';
COMMENT ON CONSTRAINT access_action_has_text ON mta.access_entry IS 'An action of access(5), in one line: OK, REJECT text, DUNNO ....';
COMMENT ON CONSTRAINT access_action_has_its_argument ON mta.access_entry IS 'FILTER transport:destination, REDIRECT user@domain, BCC user@domain, PREPEND Name: text.';
COMMENT ON CONSTRAINT access_filter_names_a_service_and_a_destination ON mta.access_entry IS 'FILTER transport:destination, where the destination may be empty.';
COMMENT ON CONSTRAINT bcc_goes_somewhere ON mta.bcc_entry IS 'The one address that gets the copy.';
COMMENT ON CONSTRAINT sender_login_has_logins ON mta.sender_login_entry IS 'SASL login names, separated by commas.';
COMMENT ON CONSTRAINT mailbox_has_a_path ON mta.mailbox_entry IS 'A path below virtual_mailbox_base; with / at its end a maildir.';
COMMENT ON CONSTRAINT mailbox_stays_below_its_base ON mta.mailbox_entry IS 'A path below virtual_mailbox_base, without "..".';
COMMENT ON CONSTRAINT relayhost_has_text ON mta.relayhost_entry IS '[host]:port, a domain, or DUNNO.';
COMMENT ON CONSTRAINT rule_kind_is_one_of_patterns ON mta.pattern_rule IS 'cidr, regexp or pcre.';
COMMENT ON CONSTRAINT rule_is_one_line_with_text ON mta.pattern_rule IS 'One line that begins with text: /pattern/ result, if /pattern/, endif, 192.0.2.0/24 result.';
COMMENT ON CONSTRAINT cidr_rule_names_a_network ON mta.pattern_rule IS 'An address or a network without bits beyond its prefix, and a result: 192.0.2.0/24 REJECT, [2001:db8::]/32 OK.';
COMMENT ON CONSTRAINT pattern_is_between_delimiters ON mta.pattern_rule IS '/pattern/flags result; any character but a letter, a digit, white space and \ may stand for /.';
DO $body$
DECLARE
    rule record;
BEGIN
    FOR rule IN SELECT conname, conrelid::regclass AS relation FROM pg_constraint WHERE contype = 'c' AND connamespace = 'mta'::regnamespace AND conname ~ '_(is_one_word|key_is_folded)$' LOOP
        EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', rule.conname, rule.relation, CASE WHEN rule.conname ~ 'folded$'
            THEN 'Keys are in lower case, as lookups fold theirs; the views fold them for you.'
            ELSE 'One word without white space; a local part with white space stands in quotes: "a b"@example.com.' END);
    END LOOP;
END
$body$;
