DROP TABLE IF EXISTS state_records {on_cluster} SYNC;
