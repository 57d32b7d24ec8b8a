-- Applied after the migrations whenever one ran or these files changed, and only where the roles exist. Later files add to it.
REVOKE ALL ON ALL TABLES IN SCHEMA mta, mta_store FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA mta, mta_store FROM PUBLIC;

GRANT USAGE ON SCHEMA mta TO mta_daemon, mta_submit, mta_admin, mta_report;
GRANT USAGE ON SCHEMA mta_store TO mta_daemon;

-- The daemon reads and writes rows; it owns nothing and changes no table.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mta, mta_store TO mta_daemon;
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA mta, mta_store TO mta_daemon;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA mta, mta_store TO mta_daemon;
REVOKE INSERT, UPDATE, DELETE ON mta.schema_version, mta.schema_compatibility FROM mta_daemon;

GRANT SELECT ON mta.schema_version, mta.schema_compatibility TO mta_submit, mta_admin, mta_report;
