-- The latest record per key of every compacted topic, from which a lost log is restored.
-- version = epoch * 2^40 + offset: the later record wins, in a later life of the log too.
CREATE TABLE IF NOT EXISTS state_records {on_cluster} (
    topic LowCardinality(String),
    key String,
    tenant LowCardinality(String),
    value String CODEC(ZSTD(3)),
    deleted Bool,
    partition UInt16,
    offset UInt64,
    epoch UInt32,
    version UInt64,
    stored_at DateTime64(3, 'UTC')
)
ENGINE = {engine:ReplacingMergeTree(version)}
ORDER BY (topic, key)
SETTINGS non_replicated_deduplication_window = 10000;
