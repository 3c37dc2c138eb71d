-- What model providers told us about their own enforcement, one row per distinct event.
-- One batch of the archiver has one stored_at, so it is one part: all of it is stored, or nothing.
CREATE TABLE IF NOT EXISTS provider_notices {on_cluster} (
    event_id String,
    at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    subject String,
    session String,
    api_key String,
    source_format LowCardinality(String),
    provider LowCardinality(String),
    kind LowCardinality(String),
    provider_category LowCardinality(String),
    request_id String,
    model LowCardinality(String),
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
