-- After a restore: what the backup holds may have gone out since it was made, so that nothing of it is sent before somebody has looked.

-- Sets every message of every queue aside, and ends the epochs that the backup has. Refused while a node is live: stop all nodes first.
-- Mail in maildrop stays there and is not taken; mta.release lets each message go, as it does those in hold. Gives the number set aside.
CREATE FUNCTION mta.hold_restored() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    live text;
    node mta.node;
    held bigint;
    later bigint;
BEGIN
    -- No node begins an epoch meanwhile.
    PERFORM pg_advisory_xact_lock(hashtext('mta.begin_epoch'));
    SELECT string_agg(n.name, ', ' ORDER BY n.name) INTO live FROM mta.node n WHERE n.state = 'live' AND n.lease_until > clock_timestamp();
    IF live IS NOT NULL THEN
        RAISE EXCEPTION 'nodes are running on this database: %', live
            USING ERRCODE = 'object_in_use', HINT = 'Stop them (postfix stop), or wait until their leases have ended; then call mta.hold_restored() again.';
    END IF;
    FOR node IN SELECT * FROM mta.node n WHERE n.state = 'live' LOOP
        PERFORM mta.end_epoch(node.name, node.epoch);
    END LOOP;
    -- What was marked for an administrator's release in the backup waits again, too.
    WITH moved AS (DELETE FROM mta_store.incoming RETURNING *)
    INSERT INTO mta_store.hold SELECT moved.*, now(), 'restore' FROM moved;
    GET DIAGNOSTICS held = ROW_COUNT;
    WITH moved AS (DELETE FROM mta_store.deferred RETURNING *)
    INSERT INTO mta_store.hold
        SELECT id, sender, size, recipient_count, flags, dsn_return, envelope_id, client_name, client_address, client_port, protocol, helo,
               message_id, filter, chunk_count, attempts, warned, now(), 'restore'
        FROM moved;
    GET DIAGNOSTICS later = ROW_COUNT;
    held := held + later;
    UPDATE mta_store.maildrop SET taken_until = 'infinity' WHERE upload_xact IS NULL;
    GET DIAGNOSTICS later = ROW_COUNT;
    held := held + later;
    INSERT INTO mta_store.admin_log (action, subject, result) VALUES ('hold_restored', held || ' messages', 'done');
    RETURN held;
END
$body$;
