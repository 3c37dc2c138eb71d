DROP TABLE IF EXISTS ledger {on_cluster} SYNC;
