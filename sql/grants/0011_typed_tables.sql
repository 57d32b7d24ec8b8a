-- Administrators change tables through the views, which act with their owner's rights.
GRANT SELECT ON mta.map_entry, mta.aliases_entry, mta.canonical_entry, mta.virtual_entry, mta.transport_entry, mta.relocated_entry, mta.access_entry, mta.generic_entry, mta.bcc_entry, mta.sender_login_entry, mta.mailbox_entry, mta.relayhost_entry, mta.pattern_rule TO mta_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON mta.aliases, mta.canonical, mta.virtual, mta.transport, mta.relocated, mta.access, mta.generic, mta.bcc, mta.sender_login, mta.mailbox, mta.relayhost, mta.pattern TO mta_admin;
GRANT INSERT, UPDATE, DELETE ON mta.pattern_rule TO mta_admin;
