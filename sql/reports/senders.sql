-- Senders by the number of messages, with their bytes.
SELECT coalesce(nullif(lower(sender), ''), '<>') AS sender, count(*) AS messages, sum(size) AS bytes, max(size) AS largest
FROM mta.received(mta.report_since())
GROUP BY 1
ORDER BY messages DESC, bytes DESC, sender
LIMIT 100;
