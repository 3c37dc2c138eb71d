DROP TABLE IF EXISTS epochs {on_cluster} SYNC;
