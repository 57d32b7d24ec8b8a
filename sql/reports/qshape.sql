-- The mail that waits, by destination and age in minutes, as qshape prints it for all queues but maildrop.
SELECT coalesce(lower(substring(r.address FROM '[^@]*$')), 'TOTAL') AS domain, count(*) AS total,
       count(*) FILTER (WHERE q.age < '5 min') AS "5",
       count(*) FILTER (WHERE q.age >= '5 min' AND q.age < '10 min') AS "10",
       count(*) FILTER (WHERE q.age >= '10 min' AND q.age < '20 min') AS "20",
       count(*) FILTER (WHERE q.age >= '20 min' AND q.age < '40 min') AS "40",
       count(*) FILTER (WHERE q.age >= '40 min' AND q.age < '80 min') AS "80",
       count(*) FILTER (WHERE q.age >= '80 min' AND q.age < '160 min') AS "160",
       count(*) FILTER (WHERE q.age >= '160 min' AND q.age < '320 min') AS "320",
       count(*) FILTER (WHERE q.age >= '320 min' AND q.age < '640 min') AS "640",
       count(*) FILTER (WHERE q.age >= '640 min' AND q.age < '1280 min') AS "1280",
       count(*) FILTER (WHERE q.age >= '1280 min') AS "1280+"
FROM mta.queue q
JOIN mta.queue_recipient r ON r.id = q.id
WHERE q.queue_name <> 'maildrop'
GROUP BY ROLLUP (lower(substring(r.address FROM '[^@]*$')))
ORDER BY total DESC, grouping(lower(substring(r.address FROM '[^@]*$'))) DESC, 1;
