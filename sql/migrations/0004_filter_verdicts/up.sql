-- Verdicts of filters, the clean ones too, one row per distinct event.
-- One batch of the archiver has one stored_at, so it is one part: all of it is stored, or nothing.
CREATE TABLE IF NOT EXISTS filter_verdicts {on_cluster} (
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
    filter LowCardinality(String),
    filter_version LowCardinality(String),
    stage LowCardinality(String),
    category LowCardinality(String),
    provider_category LowCardinality(String),
    state LowCardinality(String),
    severity Nullable(UInt8),
    score Nullable(Float64),
    score_kind LowCardinality(String),
    item String,
    choice Nullable(UInt8),
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
