-- Verdicts per minute, hour and day. Each rollup feeds the next, so one insert of raw rows makes all three;
-- each keeps deduplication tokens of its own, so a repeated insert changes none of them.
-- Rows end by stored_at, the last time that something was added to them.
CREATE TABLE IF NOT EXISTS verdicts_by_minute {on_cluster} (
    minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    deployment LowCardinality(String),
    language LowCardinality(String),
    release LowCardinality(String),
    stage LowCardinality(String),
    category LowCardinality(String),
    provider_category LowCardinality(String),
    state LowCardinality(String),
    severity Int8,
    verdicts SimpleAggregateFunction(sum, UInt64),
    subjects AggregateFunction(uniq, String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant, minute, provider, model, deployment, language, release, stage, category, provider_category, state, severity)
TTL stored_at + {ttl:minutes}
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS verdicts_by_hour {on_cluster} (
    hour DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    deployment LowCardinality(String),
    language LowCardinality(String),
    release LowCardinality(String),
    stage LowCardinality(String),
    category LowCardinality(String),
    provider_category LowCardinality(String),
    state LowCardinality(String),
    severity Int8,
    verdicts SimpleAggregateFunction(sum, UInt64),
    subjects AggregateFunction(uniq, String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant, hour, provider, model, deployment, language, release, stage, category, provider_category, state, severity)
TTL stored_at + {ttl:hours}
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS verdicts_by_day {on_cluster} (
    day DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    deployment LowCardinality(String),
    language LowCardinality(String),
    release LowCardinality(String),
    stage LowCardinality(String),
    category LowCardinality(String),
    provider_category LowCardinality(String),
    state LowCardinality(String),
    severity Int8,
    verdicts SimpleAggregateFunction(sum, UInt64),
    subjects AggregateFunction(uniq, String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant, day, provider, model, deployment, language, release, stage, category, provider_category, state, severity)
TTL stored_at + {ttl:days}
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_verdicts_by_minute {on_cluster} TO verdicts_by_minute AS
SELECT
    toStartOfMinute(r.at, 'UTC') AS minute,
    r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.stage AS stage, r.category AS category, r.provider_category AS provider_category, r.state AS state, toInt8(ifNull(r.severity, -1)) AS severity,
    count() AS verdicts,
    uniqState(r.subject) AS subjects,
    max(toDateTime(r.stored_at)) AS stored_at
FROM filter_verdicts AS r
GROUP BY minute, tenant, provider, model, deployment, language, release, stage, category, provider_category, state, severity;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_verdicts_by_hour {on_cluster} TO verdicts_by_hour AS
SELECT
    toStartOfHour(r.minute) AS hour,
    r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.stage AS stage, r.category AS category, r.provider_category AS provider_category, r.state AS state, r.severity AS severity,
    sum(r.verdicts) AS verdicts,
    uniqMergeState(r.subjects) AS subjects,
    max(r.stored_at) AS stored_at
FROM verdicts_by_minute AS r
GROUP BY hour, tenant, provider, model, deployment, language, release, stage, category, provider_category, state, severity;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_verdicts_by_day {on_cluster} TO verdicts_by_day AS
SELECT
    toStartOfDay(r.hour) AS day,
    r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.stage AS stage, r.category AS category, r.provider_category AS provider_category, r.state AS state, r.severity AS severity,
    sum(r.verdicts) AS verdicts,
    uniqMergeState(r.subjects) AS subjects,
    max(r.stored_at) AS stored_at
FROM verdicts_by_hour AS r
GROUP BY day, tenant, provider, model, deployment, language, release, stage, category, provider_category, state, severity;
