DROP VIEW IF EXISTS verdicts_per_minute {on_cluster} SYNC;
DROP VIEW IF EXISTS requests_per_minute {on_cluster} SYNC;
DROP VIEW IF EXISTS verdicts_per_hour {on_cluster} SYNC;
DROP VIEW IF EXISTS requests_per_hour {on_cluster} SYNC;
DROP VIEW IF EXISTS verdicts_per_day {on_cluster} SYNC;
DROP VIEW IF EXISTS requests_per_day {on_cluster} SYNC;
