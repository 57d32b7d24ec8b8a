-- Sizes of messages, in bytes: how many up to each power of four.
SELECT (4 ^ ceil(ln(greatest(size, 1)) / ln(4)))::bigint AS up_to, count(*) AS messages, sum(size) AS bytes
FROM mta.received(mta.report_since())
GROUP BY 1
ORDER BY 1;
