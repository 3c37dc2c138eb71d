DROP TABLE IF EXISTS mv_requests_by_day {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_requests_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_requests_by_minute {on_cluster} SYNC;
DROP TABLE IF EXISTS requests_by_day {on_cluster} SYNC;
DROP TABLE IF EXISTS requests_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS requests_by_minute {on_cluster} SYNC;
