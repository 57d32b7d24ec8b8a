-- Domains of senders by the number of messages, with their bytes.
SELECT coalesce(nullif(lower(substring(sender FROM '[^@]*$')), ''), '<>') AS domain, count(*) AS messages, sum(size) AS bytes,
       count(DISTINCT lower(sender)) AS senders
FROM mta.received(mta.report_since())
GROUP BY 1
ORDER BY messages DESC, bytes DESC, domain
LIMIT 100;
