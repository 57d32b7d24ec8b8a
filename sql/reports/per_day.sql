-- Messages received, recipients delivered, deferred and bounced, and commands rejected in each day.
WITH event AS (
    SELECT arrived_at AS at, 'received' AS what, 1 AS n FROM mta.received(mta.report_since())
    UNION ALL
    SELECT at, 'received', messages FROM mta.refused_content(mta.report_since())
    UNION ALL
    SELECT at, CASE action WHEN 'relayed' THEN 'sent' ELSE action END, 1 FROM mta.delivery WHERE at >= mta.report_since()
    UNION ALL
    SELECT at, 'rejected', count FROM mta.rejection WHERE at >= mta.report_since() AND NOT warning
)
SELECT date_trunc('day', at) AS day,
       coalesce(sum(n) FILTER (WHERE what = 'received'), 0) AS received,
       coalesce(sum(n) FILTER (WHERE what = 'sent'), 0) AS delivered,
       coalesce(sum(n) FILTER (WHERE what = 'deferred'), 0) AS deferrals,
       coalesce(sum(n) FILTER (WHERE what = 'bounced'), 0) AS bounced,
       coalesce(sum(n) FILTER (WHERE what = 'rejected'), 0) AS rejected
FROM event
GROUP BY 1
ORDER BY 1;
