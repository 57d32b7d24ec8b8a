-- Free bytes on the disk of the database, as far as the database can tell: an administrator with a superuser's rights may replace this
-- function (sql/free_space.sql); nodes on the server's own machine look for themselves.
CREATE FUNCTION mta.free_space() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT NULL::bigint';

ALTER TABLE mta.node
    -- Told with the heartbeat: the node sees too little room for mail, and its clients hear 452.
    ADD COLUMN is_full boolean NOT NULL DEFAULT false;

-- Refuses new mail while a node that lives sees no room for it; nodes that cannot see the disk never say so.
CREATE FUNCTION mta.check_room() RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    says text := (SELECT min(n.name) FROM mta.node n WHERE n.is_full AND n.state = 'live' AND n.lease_until > clock_timestamp());
BEGIN
    IF says IS NOT NULL THEN
        RAISE EXCEPTION 'not enough free space in mail queue' USING ERRCODE = 'disk_full',
            DETAIL = format('Node %s has measured it.', says), HINT = 'Try again later.';
    END IF;
END
$body$;
