DROP TABLE IF EXISTS request_logs {on_cluster} SYNC;
