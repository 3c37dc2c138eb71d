-- Requests to models, one row per distinct event.
-- One batch of the archiver has one stored_at, so it is one part: all of it is stored, or nothing.
CREATE TABLE IF NOT EXISTS request_logs {on_cluster} (
    event_id String,
    at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    subject String,
    session String,
    api_key String,
    source_format LowCardinality(String),
    request_id String,
    provider LowCardinality(String),
    model LowCardinality(String),
    deployment LowCardinality(String),
    modality LowCardinality(String),
    language LowCardinality(String),
    release LowCardinality(String),
    prompt_hash String,
    outcome LowCardinality(String),
    http_status Nullable(UInt16),
    finish_reason LowCardinality(String),
    prompt_tokens Nullable(UInt64),
    completion_tokens Nullable(UInt64),
    latency_ms Nullable(Float64),
    streamed Bool,
    partial Bool,
    epoch UInt32 CODEC(T64, ZSTD(1)),
    partition UInt16 CODEC(T64, ZSTD(1)),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    event_hash UInt64 CODEC(NONE),
    stored_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX at_range at TYPE minmax GRANULARITY 1
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMMDD(stored_at)
ORDER BY (tenant, at, subject)
TTL toDateTime(stored_at) + {ttl:raw}
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;
