-- Question: which tables, other databases and table functions does this ClickHouse know?
-- Tables: system tables. Cost: a few hundred rows.
SELECT
    (SELECT groupArray(name) FROM system.tables WHERE database = {database:String}) AS tables,
    (SELECT groupArray(name) FROM system.databases WHERE name != {database:String}) AS databases,
    (SELECT groupArray(name) FROM system.table_functions) AS table_functions
