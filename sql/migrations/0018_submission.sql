-- What mta.submit takes: addresses as they are written in mail (RFC 5321), and messages that the nodes would take.

-- The address as the queue stores it, without quotes; NULL for what is none: two addresses, a display name, angle brackets, no domain after
-- the "@". A name alone is local, as in sendmail(1).
CREATE FUNCTION mta_store.internal_address(address text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$
    SELECT CASE
        WHEN length(address) > 1000 OR address !~ ('^("([^"\\[:cntrl:]]|\\[^[:cntrl:]])+"|[^][:space:][:cntrl:]()<>@,;:\\"]+)'
            || '(@(\[[^][:space:][:cntrl:]]+\]|'
            || '[^][:space:][:cntrl:]()<>@,;:\\".-]([^][:space:][:cntrl:]()<>@,;:\\".]{0,61}[^][:space:][:cntrl:]()<>@,;:\\".-])?'
            || '(\.[^][:space:][:cntrl:]()<>@,;:\\".-]([^][:space:][:cntrl:]()<>@,;:\\".]{0,61}[^][:space:][:cntrl:]()<>@,;:\\".-])?)*\.?))?$') THEN NULL
        WHEN address LIKE '"%' THEN
            regexp_replace(substring(address FROM '^"(.*)"[^"]*$'), '\\(.)', '\1', 'g') || substring(address FROM '^".*"([^"]*)$')
        ELSE address
    END
$body$;

-- The message_size_limit that each node works with; a node writes its own at its start and when it changes.
CREATE TABLE mta_store.node_size_limit (
    node text PRIMARY KEY,
    bytes bigint NOT NULL,
    CONSTRAINT node_size_limit_is_a_size CHECK (bytes >= 0)
);

-- The largest message that every live node takes; 0 for no limit. While none is live, what mta.parameter or the default says.
CREATE FUNCTION mta_store.message_size_limit() RETURNS bigint LANGUAGE sql STABLE AS $body$
    SELECT coalesce(
        (SELECT coalesce(min(nullif(l.bytes, 0)), 0) FROM mta_store.node_size_limit l JOIN mta.node n ON n.name = l.node
         WHERE n.state = 'live' AND n.lease_until > now() HAVING count(*) > 0),
        (SELECT p.value::bigint FROM mta.parameter p WHERE p.name = 'message_size_limit' AND p.node IS NULL AND p.value ~ '^[0-9]{1,18}$'),
        10240000)
$body$;
