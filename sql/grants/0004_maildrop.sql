-- Submit may hand in mail and nothing else; it sees no table.
GRANT EXECUTE ON FUNCTION
    mta.submit(text, text[], bytea, text, text, text, integer, bigint),
    mta.submit(text, text[], text, text, text, text, integer, bigint),
    mta.submit_begin(text, text[], text, text, text, integer, bigint),
    mta.submit_append(bigint, bytea),
    mta.submit_finish(bigint)
TO mta_submit, mta_admin;

GRANT EXECUTE ON FUNCTION mta.queue_id(bigint), mta.queue_number(text) TO PUBLIC;
