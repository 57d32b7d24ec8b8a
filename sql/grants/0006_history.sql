REVOKE ALL ON FUNCTION mta_store.maintain_log(regclass, interval) FROM PUBLIC;
GRANT SELECT ON mta.delivery, mta.rejection TO mta_admin, mta_report;
GRANT EXECUTE ON FUNCTION mta.report_since(), mta.queue_floor(timestamptz), mta.received(timestamptz), mta.refused_content(timestamptz) TO mta_admin, mta_report;
