-- Two schemas: mta holds what people and programs of others may rely on (views, functions, history, lookup tables), mta_store the
-- tables of the queue as the daemon needs them, which may change with any version. Both, the version table (mta.schema_version) and the
-- roles are made by the migration runner.

-- Which programs may run on this schema. A migration that old programs cannot live with raises oldest_program; one that only
-- adds things leaves it, so that the nodes of a cluster are upgraded one by one.
CREATE TABLE mta.schema_compatibility (
    only_row       boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_row CHECK (only_row),
    oldest_program text NOT NULL CONSTRAINT oldest_program_is_a_version CHECK (oldest_program ~ '^\d+\.\d+\.\d+$'),
    -- What sql/grants looked like when it was last applied; the runner applies it again when it differs.
    grants_applied text NOT NULL DEFAULT ''
);

INSERT INTO mta.schema_compatibility (oldest_program) VALUES ('0.1.0');
