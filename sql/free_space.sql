-- For a database on a machine of its own: tells the nodes how much room its disk has left, so that clients hear 452 before PostgreSQL stops.
-- Run once by a superuser in the database: psql -d mta -f sql/free_space.sql
-- It asks df(1) at most every two seconds, for the data directory and for pg_wal, whichever has less.
BEGIN;

CREATE UNLOGGED TABLE IF NOT EXISTS mta_store.disk (available bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE OR REPLACE FUNCTION mta.free_space() RETURNS bigint LANGUAGE plpgsql VOLATILE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    room bigint;
BEGIN
    SELECT min(available) INTO room FROM mta_store.disk WHERE at > clock_timestamp() - interval '2 s';
    IF room IS NULL AND pg_try_advisory_xact_lock(hashtext('mta.free_space')) THEN
        DELETE FROM mta_store.disk;
        COPY mta_store.disk (available) FROM PROGRAM 'df -B1 --output=avail . pg_wal | tail -n +2';
        SELECT min(available) INTO room FROM mta_store.disk;
    END IF;
    RETURN room;
END
$body$;

-- The rights of the function are those of whoever owns it. The schema's owner passes the right to call it on, as a migration does again.
ALTER FUNCTION mta.free_space() OWNER TO CURRENT_USER;
REVOKE ALL ON FUNCTION mta.free_space() FROM PUBLIC;
DO $body$
DECLARE
    schema_owner regrole := (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'mta');
BEGIN
    EXECUTE format('ALTER TABLE mta_store.disk OWNER TO %s', schema_owner);
    EXECUTE format('GRANT EXECUTE ON FUNCTION mta.free_space() TO %s WITH GRANT OPTION', schema_owner);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'mta_daemon') THEN
        GRANT EXECUTE ON FUNCTION mta.free_space() TO mta_daemon;
    END IF;
END $body$;
COMMIT;
