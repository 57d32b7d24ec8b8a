-- Administrators read the views and act through functions; they see no table of the queue and no content.
GRANT EXECUTE ON FUNCTION
    mta.hold(text), mta.release(text), mta.requeue(text), mta.delete(text), mta.expire(text), mta.bounce(text, text),
    mta.flush(text), mta.flush_all(), mta.suspend(text, timestamptz), mta.resume(text),
    mta.suspend_sender(text, timestamptz), mta.resume_sender(text)
TO mta_admin;
GRANT SELECT ON
    mta.incoming, mta.active, mta.deferred, mta.hold, mta.corrupt, mta.maildrop, mta.queue, mta.queue_recipient,
    mta.suspension, mta.request, mta.admin_log, mta.delivery_log
TO mta_admin, mta_report;
-- Not the instance: it is the secret by which a node takes its epoch back.
GRANT SELECT (name, number, epoch, state, lease_until, heartbeat_at, started_at, host, process_id, program_version, possible_duplicates)
    ON mta.node TO mta_admin, mta_report;
GRANT INSERT (sender, recipients, message, content, notify, dsn_return, envelope_id) ON mta.maildrop TO mta_submit, mta_admin;
GRANT EXECUTE ON FUNCTION mta.queue_time(bigint) TO PUBLIC;
