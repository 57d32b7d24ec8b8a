-- The grand totals, as pflogsumm counts them: messages received and deferred, recipients delivered and bounced, commands rejected.
SELECT (SELECT count(*) FROM mta.received(mta.report_since()))
           + (SELECT coalesce(sum(messages), 0) FROM mta.refused_content(mta.report_since())) AS received,
       count(*) FILTER (WHERE action IN ('sent', 'relayed')) AS delivered,
       count(DISTINCT id) FILTER (WHERE action = 'deferred') AS deferred,
       count(*) FILTER (WHERE action = 'deferred') AS deferrals,
       count(*) FILTER (WHERE action = 'bounced') AS bounced,
       (SELECT coalesce(sum(count), 0) FROM mta.rejection WHERE at >= mta.report_since() AND NOT warning) AS rejected,
       count(DISTINCT lower(sender)) AS senders,
       count(DISTINCT lower(recipient)) AS recipients
FROM mta.delivery
WHERE at >= mta.report_since();
