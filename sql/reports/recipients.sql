-- Recipients by the number of messages they got, with the bytes.
SELECT lower(recipient) AS recipient, count(*) AS messages, sum(size) AS bytes
FROM mta.delivery
WHERE at >= mta.report_since() AND action IN ('sent', 'relayed')
GROUP BY 1
ORDER BY messages DESC, bytes DESC, recipient
LIMIT 100;
