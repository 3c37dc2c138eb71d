-- What detectors emitted, once per signal id.
-- One batch of the archiver has one stored_at, so it is one part: all of it is stored, or nothing.
CREATE TABLE IF NOT EXISTS signals {on_cluster} (
    id String,
    at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    key String,
    subject String,
    detector LowCardinality(String),
    level LowCardinality(String),
    statistic_name String,
    statistic_value Float64,
    statistic_threshold Float64,
    categories Array(LowCardinality(String)),
    stages Array(LowCardinality(String)),
    evidence Array(String),
    count Nullable(UInt64),
    requests Nullable(UInt64),
    share Nullable(Float64),
    gravity Nullable(Float64),
    intent Nullable(Float64),
    expected Nullable(Float64),
    seen Nullable(Float64),
    since Nullable(DateTime64(3, 'UTC')),
    policy_version String,
    words String,
    epoch UInt32 CODEC(T64, ZSTD(1)),
    partition UInt16 CODEC(T64, ZSTD(1)),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    event_hash UInt64 CODEC(NONE),
    stored_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX at_range at TYPE minmax GRANULARITY 1
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(stored_at)
ORDER BY (tenant, at, key)
TTL toDateTime(stored_at) + {ttl:ledger}
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;
