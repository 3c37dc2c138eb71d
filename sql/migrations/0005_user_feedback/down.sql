DROP TABLE IF EXISTS user_feedback {on_cluster} SYNC;
