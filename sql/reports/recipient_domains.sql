-- Domains of recipients: what was delivered, deferred and bounced, bytes, and how long it took.
SELECT recipient_domain AS domain,
       count(*) FILTER (WHERE action IN ('sent', 'relayed')) AS delivered,
       coalesce(sum(size) FILTER (WHERE action IN ('sent', 'relayed')), 0) AS bytes,
       count(*) FILTER (WHERE action = 'deferred') AS deferrals,
       count(*) FILTER (WHERE action = 'bounced') AS bounced,
       round((avg(delay) FILTER (WHERE action IN ('sent', 'relayed')))::numeric, 2) AS average_delay,
       round((max(delay) FILTER (WHERE action IN ('sent', 'relayed')))::numeric, 2) AS longest_delay
FROM mta.delivery
WHERE at >= mta.report_since() AND action <> 'expanded'
GROUP BY 1
ORDER BY delivered DESC, deferrals DESC, domain
LIMIT 100;
