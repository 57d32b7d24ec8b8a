-- Who may change parameters is an administrator of mail; the trigger keeps out what would make one of hosts.
GRANT SELECT, DELETE ON mta.parameter TO mta_admin;
GRANT INSERT (name, value, node, comment), UPDATE (name, value, node, comment) ON mta.parameter TO mta_admin;
GRANT EXECUTE ON FUNCTION mta.set_parameter(text, text, text, text), mta.reset_parameter(text, text) TO mta_admin;
GRANT SELECT ON mta.parameter, mta.parameter_problem TO mta_report;
GRANT SELECT ON mta.parameter_problem TO mta_admin;
GRANT EXECUTE ON FUNCTION mta.parameters_of(text) TO mta_submit, mta_admin, mta_report;
GRANT EXECUTE ON FUNCTION mta.parameter_checked(), mta.parameter_changed() TO mta_admin;
-- A node that was broken into must not change what the others do.
REVOKE INSERT, UPDATE, DELETE ON mta.parameter, mta_store.parameter_definition, mta_store.parameter_version FROM mta_daemon;
REVOKE EXECUTE ON FUNCTION mta.set_parameter(text, text, text, text), mta.reset_parameter(text, text) FROM mta_daemon;
