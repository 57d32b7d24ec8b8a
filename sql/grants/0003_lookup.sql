-- Tables may hold passwords (smtp_sasl_password_maps): reports do not see them.
GRANT SELECT, INSERT, UPDATE, DELETE ON mta.lookup_table, mta.lookup_entry, mta.lookup_stage, mta.lookup TO mta_admin;
GRANT EXECUTE ON FUNCTION mta.lookup_changed(), mta.lookup_table_changed() TO mta_admin;
