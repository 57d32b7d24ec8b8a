-- The a/b/c/d of delays= as percentiles, seconds: before the queue, in the queue, connecting, sending; by transport, of what was delivered.
SELECT transport, part, count(*) AS deliveries,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::numeric, 3) AS median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds)::numeric, 3) AS p90,
       round(percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds)::numeric, 3) AS p99,
       round(max(seconds)::numeric, 3) AS longest
FROM mta.delivery,
     LATERAL (VALUES ('a', delay_before_queue), ('b', delay_in_queue), ('c', delay_connection), ('d', delay_transmission)) AS p (part, seconds)
WHERE at >= mta.report_since() AND action IN ('sent', 'relayed')
GROUP BY 1, 2
ORDER BY 1, 2;
