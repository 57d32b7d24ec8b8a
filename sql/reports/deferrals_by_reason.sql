-- Why attempts ended as deferred: by transport, host and reason; expired are those that were returned after it. Addresses in a reason do not make it another one.
SELECT transport, relay, dsn, regexp_replace(reason, '<[^>]*>', '<...>', 'g') AS reason, count(*) AS recipients, count(DISTINCT id) AS messages,
       min(at) AS first, max(at) AS last, count(*) FILTER (WHERE expired) AS expired
FROM mta.delivery
WHERE at >= mta.report_since() AND action = 'deferred'
GROUP BY 1, 2, 3, 4
ORDER BY recipients DESC, last DESC
LIMIT 100;
