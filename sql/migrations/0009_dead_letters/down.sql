DROP TABLE IF EXISTS dead_letters {on_cluster} SYNC;
