-- Records that could not be used, by the place they came from; `at` is the record's own time.
-- One batch of the archiver has one stored_at, so it is one part: all of it is stored, or nothing.
CREATE TABLE IF NOT EXISTS dead_letters {on_cluster} (
    at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    source_topic LowCardinality(String),
    source_partition UInt16,
    source_offset UInt64,
    kind LowCardinality(String),
    reason String,
    key String,
    raw String CODEC(ZSTD(3)),
    epoch UInt32 CODEC(T64, ZSTD(1)),
    partition UInt16 CODEC(T64, ZSTD(1)),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    event_hash UInt64 CODEC(NONE),
    stored_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX at_range at TYPE minmax GRANULARITY 1
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMMDD(stored_at)
ORDER BY (source_topic, source_partition, source_offset)
TTL toDateTime(stored_at) + {ttl:raw}
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;
