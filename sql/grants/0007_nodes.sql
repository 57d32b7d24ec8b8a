GRANT SELECT (active_messages, deliveries, delivers, rejects_lost, drained_at, drained_by, is_full) ON mta.node TO mta_admin, mta_report;
GRANT SELECT ON mta.node_status TO mta_admin, mta_report;
GRANT EXECUTE ON FUNCTION mta.drain_node(text), mta.undrain_node(text), mta.remove_node(text) TO mta_admin;
