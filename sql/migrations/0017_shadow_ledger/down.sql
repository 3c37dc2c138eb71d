DROP TABLE IF EXISTS shadow_ledger {on_cluster} SYNC;
