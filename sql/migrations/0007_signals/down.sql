DROP TABLE IF EXISTS signals {on_cluster} SYNC;
