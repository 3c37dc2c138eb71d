DROP TABLE IF EXISTS filter_verdicts {on_cluster} SYNC;
