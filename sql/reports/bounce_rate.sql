-- How many of a domain's recipients bounced or expired, in percent of those that are finished.
SELECT recipient_domain AS domain, count(*) AS finished, count(*) FILTER (WHERE action = 'bounced' OR expired) AS bounced,
       round(100.0 * count(*) FILTER (WHERE action = 'bounced' OR expired) / count(*), 1) AS percent
FROM mta.delivery
WHERE at >= mta.report_since() AND (action IN ('sent', 'relayed', 'bounced') OR expired)
GROUP BY 1
ORDER BY percent DESC, finished DESC, domain
LIMIT 100;
