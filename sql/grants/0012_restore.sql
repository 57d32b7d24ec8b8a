GRANT EXECUTE ON FUNCTION mta.hold_restored() TO mta_admin;
