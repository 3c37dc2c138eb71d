DROP TABLE IF EXISTS archive_batches {on_cluster} SYNC;
