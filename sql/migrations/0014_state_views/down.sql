DROP VIEW IF EXISTS enforcements {on_cluster} SYNC;
DROP VIEW IF EXISTS appeals {on_cluster} SYNC;
DROP VIEW IF EXISTS incidents {on_cluster} SYNC;
DROP VIEW IF EXISTS books {on_cluster} SYNC;
