-- The whole story of a message, by its queue id or its Message-ID: SET mta.message = '4jZ4BS4y23z100J'; or '<...@...>'.
WITH asked AS (SELECT coalesce(current_setting('mta.message', true), '') AS text),
wanted AS (
    SELECT mta.queue_number(text) AS id FROM asked WHERE text NOT LIKE '%@%'
    UNION
    SELECT d.id FROM mta.delivery d, asked WHERE text LIKE '%@%' AND d.message_id = text
    UNION
    SELECT q.id FROM mta.queue q, asked WHERE text LIKE '%@%' AND q.message_id = text
)
SELECT * FROM (
    SELECT d.at, d.queue_id, d.node, concat(d.action, CASE WHEN d.expired THEN ', expired' END) AS event, d.recipient,
           concat_ws(' ', 'relay=' || d.relay, 'delay=' || round(d.delay::numeric, 2), 'dsn=' || d.dsn, '(' || d.reason || ')') AS detail
    FROM mta.delivery d WHERE d.id IN (SELECT id FROM wanted)
    UNION ALL
    SELECT arrived.at, arrived.queue_id, NULL, 'received', NULL, arrived.detail
    FROM (SELECT DISTINCT ON (d.id) d.arrived_at AS at, d.queue_id,
                 concat_ws(' ', 'from=<' || d.sender || '>', 'size=' || d.size, 'client=' || d.client_name || '[' || d.client_address || ']') AS detail
          FROM mta.delivery d WHERE d.id IN (SELECT id FROM wanted) ORDER BY d.id) arrived
    UNION ALL
    SELECT a.at, a.queue_id, NULL, a.action, NULL, concat_ws(' ', a.result, 'by', a.by_role, a.operator, a.reason)
    FROM mta.admin_log a WHERE a.id IN (SELECT id FROM wanted)
    UNION ALL
    SELECT now(), q.queue_id, q.node, 'in queue ' || q.queue_name, NULL,
           concat_ws(' ', 'from=<' || q.sender || '>', 'size=' || q.size, 'due=' || q.due_at, '(' || q.reason || ')')
    FROM mta.queue q WHERE q.id IN (SELECT id FROM wanted)
) story
ORDER BY at, recipient;
