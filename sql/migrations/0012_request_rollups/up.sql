-- Requests per minute, hour and day. Each rollup feeds the next, so one insert of raw rows makes all three;
-- each keeps deduplication tokens of its own, so a repeated insert changes none of them.
-- Rows end by stored_at, the last time that something was added to them.
CREATE TABLE IF NOT EXISTS requests_by_minute {on_cluster} (
    minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    deployment LowCardinality(String),
    language LowCardinality(String),
    release LowCardinality(String),
    modality LowCardinality(String),
    outcome LowCardinality(String),
    requests SimpleAggregateFunction(sum, UInt64),
    prompt_tokens SimpleAggregateFunction(sum, UInt64),
    completion_tokens SimpleAggregateFunction(sum, UInt64),
    latency AggregateFunction(quantilesTDigest(0.5, 0.9, 0.99), Nullable(Float64)),
    subjects AggregateFunction(uniq, String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant, minute, provider, model, deployment, language, release, modality, outcome)
TTL stored_at + {ttl:minutes}
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS requests_by_hour {on_cluster} (
    hour DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    deployment LowCardinality(String),
    language LowCardinality(String),
    release LowCardinality(String),
    modality LowCardinality(String),
    outcome LowCardinality(String),
    requests SimpleAggregateFunction(sum, UInt64),
    prompt_tokens SimpleAggregateFunction(sum, UInt64),
    completion_tokens SimpleAggregateFunction(sum, UInt64),
    latency AggregateFunction(quantilesTDigest(0.5, 0.9, 0.99), Nullable(Float64)),
    subjects AggregateFunction(uniq, String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant, hour, provider, model, deployment, language, release, modality, outcome)
TTL stored_at + {ttl:hours}
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS requests_by_day {on_cluster} (
    day DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    deployment LowCardinality(String),
    language LowCardinality(String),
    release LowCardinality(String),
    modality LowCardinality(String),
    outcome LowCardinality(String),
    requests SimpleAggregateFunction(sum, UInt64),
    prompt_tokens SimpleAggregateFunction(sum, UInt64),
    completion_tokens SimpleAggregateFunction(sum, UInt64),
    latency AggregateFunction(quantilesTDigest(0.5, 0.9, 0.99), Nullable(Float64)),
    subjects AggregateFunction(uniq, String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant, day, provider, model, deployment, language, release, modality, outcome)
TTL stored_at + {ttl:days}
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_requests_by_minute {on_cluster} TO requests_by_minute AS
SELECT
    toStartOfMinute(r.at, 'UTC') AS minute,
    r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.modality AS modality, r.outcome AS outcome,
    count() AS requests,
    sum(ifNull(r.prompt_tokens, 0)) AS prompt_tokens,
    sum(ifNull(r.completion_tokens, 0)) AS completion_tokens,
    quantilesTDigestState(0.5, 0.9, 0.99)(r.latency_ms) AS latency,
    uniqState(r.subject) AS subjects,
    max(toDateTime(r.stored_at)) AS stored_at
FROM request_logs AS r
GROUP BY minute, tenant, provider, model, deployment, language, release, modality, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_requests_by_hour {on_cluster} TO requests_by_hour AS
SELECT
    toStartOfHour(r.minute) AS hour,
    r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.modality AS modality, r.outcome AS outcome,
    sum(r.requests) AS requests,
    sum(r.prompt_tokens) AS prompt_tokens,
    sum(r.completion_tokens) AS completion_tokens,
    quantilesTDigestMergeState(0.5, 0.9, 0.99)(r.latency) AS latency,
    uniqMergeState(r.subjects) AS subjects,
    max(r.stored_at) AS stored_at
FROM requests_by_minute AS r
GROUP BY hour, tenant, provider, model, deployment, language, release, modality, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_requests_by_day {on_cluster} TO requests_by_day AS
SELECT
    toStartOfDay(r.hour) AS day,
    r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.modality AS modality, r.outcome AS outcome,
    sum(r.requests) AS requests,
    sum(r.prompt_tokens) AS prompt_tokens,
    sum(r.completion_tokens) AS completion_tokens,
    quantilesTDigestMergeState(0.5, 0.9, 0.99)(r.latency) AS latency,
    uniqMergeState(r.subjects) AS subjects,
    max(r.stored_at) AS stored_at
FROM requests_by_hour AS r
GROUP BY day, tenant, provider, model, deployment, language, release, modality, outcome;
