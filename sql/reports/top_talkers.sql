-- Clients by the number of messages they handed in, and what was refused them.
SELECT client_address, max(client_name) AS client_name, sum(messages) AS messages, sum(bytes) AS bytes, sum(rejected) AS rejected
FROM (
    SELECT coalesce(client_address, 'local') AS client_address, client_name, 1 AS messages, size AS bytes, 0 AS rejected
    FROM mta.received(mta.report_since())
    UNION ALL
    SELECT client_address, client_name, 0, 0, count FROM mta.rejection WHERE at >= mta.report_since()
) talk
GROUP BY 1
ORDER BY messages DESC, rejected DESC, client_address
LIMIT 100;
