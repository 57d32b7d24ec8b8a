-- SMTP commands that were rejected, and content that was refused, by command and reason. Those with a warning in the log pflogsumm does not count.
SELECT command, code, dsn, reason, sum(count) AS commands, count(DISTINCT client_address) AS clients, min(at) AS first, max(at) AS last, warning
FROM mta.rejection
WHERE at >= mta.report_since()
GROUP BY 1, 2, 3, 4, warning
ORDER BY commands DESC, last DESC
LIMIT 100;
