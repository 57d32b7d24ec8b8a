-- Free bytes on the disk of the database, as far as the database can tell: an administrator with a superuser's rights may replace this
-- function (sql/free_space.sql); nodes on the server's own machine look for themselves.
CREATE FUNCTION mta.free_space() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT NULL::bigint';
