-- SMTP commands that were rejected, by command and reason.
SELECT command, code, dsn, reason, sum(count) AS commands, count(DISTINCT client_address) AS clients, min(at) AS first, max(at) AS last
FROM mta.rejection
WHERE at >= mta.report_since()
GROUP BY 1, 2, 3, 4
ORDER BY commands DESC, last DESC
LIMIT 100;
