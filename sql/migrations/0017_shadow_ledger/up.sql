-- What shadow policies would have entered into the ledger, once per shadow and entry id; append-only.
-- One batch of the archiver has one stored_at, so it is one part: all of it is stored, or nothing.
CREATE TABLE IF NOT EXISTS shadow_ledger {on_cluster} (
    shadow LowCardinality(String),
    id String,
    at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    key String,
    kind LowCardinality(String),
    actor LowCardinality(String),
    about String,
    command_id String,
    words String,
    detail String CODEC(ZSTD(3)),
    epoch UInt32 CODEC(T64, ZSTD(1)),
    partition UInt16 CODEC(T64, ZSTD(1)),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    event_hash UInt64 CODEC(NONE),
    stored_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX at_range at TYPE minmax GRANULARITY 1
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(stored_at)
ORDER BY (tenant, shadow, about, at)
TTL toDateTime(stored_at) + {ttl:ledger}
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;
