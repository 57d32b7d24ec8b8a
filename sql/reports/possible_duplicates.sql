-- Recipients that were delivered more than once, as far as the history tells; mta.node counts those that it cannot tell.
SELECT queue_id, sender, recipient, count(*) AS deliveries, string_agg(DISTINCT node, ', ') AS nodes, min(at) AS first, max(at) AS last
FROM mta.delivery
WHERE at >= mta.report_since() AND action IN ('sent', 'relayed')
GROUP BY queue_id, sender, recipient, recipient_number
HAVING count(*) > 1
ORDER BY last DESC
LIMIT 1000;
