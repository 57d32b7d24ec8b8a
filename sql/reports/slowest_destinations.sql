-- Where delivery takes longest, seconds: connecting (c) and sending (d), not the time in our queue.
SELECT recipient_domain AS domain, relay, count(*) AS attempts,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_connection + delay_transmission)::numeric, 3) AS median,
       round(percentile_cont(0.95) WITHIN GROUP (ORDER BY delay_connection + delay_transmission)::numeric, 3) AS p95,
       round(max(delay_connection + delay_transmission)::numeric, 3) AS longest
FROM mta.delivery
WHERE at >= mta.report_since() AND relay <> 'none' AND action <> 'expanded'
GROUP BY 1, 2
ORDER BY p95 DESC, attempts DESC, domain
LIMIT 50;
