DROP TABLE IF EXISTS provider_notices {on_cluster} SYNC;
