DROP TABLE IF EXISTS mv_verdicts_by_day {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_verdicts_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_verdicts_by_minute {on_cluster} SYNC;
DROP TABLE IF EXISTS verdicts_by_day {on_cluster} SYNC;
DROP TABLE IF EXISTS verdicts_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS verdicts_by_minute {on_cluster} SYNC;
