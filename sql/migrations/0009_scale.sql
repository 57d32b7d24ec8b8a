-- What millions of deferred messages need: claims that walk nothing twice.

-- Sets a destination's earliest due time from what is left, after a claim that found less than it asked for. The row is locked first and the mail
-- is looked at afterwards, by a statement that sees what was deferred until then: who defers mail holds this row until it has committed.
-- A flush that the claim did not see (seen_flush) stays. A floor is where the claim began; what was locked below it is looked for again soon.
CREATE FUNCTION mta_store.refresh_destination(destination text, seen_flush timestamptz, floor timestamptz) RETURNS void LANGUAGE plpgsql AS $body$
#variable_conflict use_variable
DECLARE
    found_row mta_store.destination;
    due timestamptz;
BEGIN
    SELECT * INTO found_row FROM mta_store.destination t WHERE t.name = destination FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR found_row.flush_at IS DISTINCT FROM seen_flush THEN
        RETURN;
    END IF;
    SELECT min(m.due_at) INTO due FROM mta_store.deferred m WHERE m.destination = destination AND m.due_at >= floor;
    IF floor > '-infinity' THEN
        due := least(due, clock_timestamp() + interval '30 s');
    END IF;
    IF due IS NOT NULL THEN
        UPDATE mta_store.destination t SET next_due = due, flush_at = NULL
        WHERE t.name = destination AND (t.next_due <> due OR t.flush_at IS NOT NULL);
    ELSIF found_row.suspended_until IS NULL THEN
        DELETE FROM mta_store.destination t WHERE t.name = destination;
    END IF;
END
$body$;
