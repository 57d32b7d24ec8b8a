-- The nodes beside each other: what each delivered, deferred, bounced and rejected, how quickly, and its possible duplicates.
SELECT n.name AS node, n.state, n.lease_left, n.active_messages, n.deliveries,
       coalesce(d.delivered, 0) AS delivered, coalesce(d.deferrals, 0) AS deferrals, coalesce(d.bounced, 0) AS bounced,
       d.median_delay, d.p95_delay,
       (SELECT coalesce(sum(r.count), 0) FROM mta.rejection r WHERE r.node = n.name AND r.at >= mta.report_since() AND NOT r.warning) AS rejected,
       n.possible_duplicates
FROM mta.node_status n
LEFT JOIN (
    SELECT node, count(*) FILTER (WHERE action IN ('sent', 'relayed')) AS delivered, count(*) FILTER (WHERE action = 'deferred') AS deferrals,
           count(*) FILTER (WHERE action = 'bounced') AS bounced,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY delay)::numeric, 3) AS median_delay,
           round(percentile_cont(0.95) WITHIN GROUP (ORDER BY delay)::numeric, 3) AS p95_delay
    FROM mta.delivery
    WHERE at >= mta.report_since()
    GROUP BY node) d ON d.node = n.name
ORDER BY n.name;
