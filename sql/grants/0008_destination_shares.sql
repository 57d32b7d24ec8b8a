GRANT SELECT ON mta.destination TO mta_admin, mta_report;
