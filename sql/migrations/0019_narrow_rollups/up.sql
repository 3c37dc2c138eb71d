-- What queries over a long time read: few rows, and states that merge in microseconds.
-- dimensions_by_* count requests by one dimension at a time; `provider` is the model's, and empty otherwise.
-- categories_by_hour counts verdicts and holds no states. Rows end by stored_at, as in the other rollups.
DROP TABLE IF EXISTS mv_categories_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_dimensions_by_day {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_dimensions_by_hour {on_cluster} SYNC;

CREATE TABLE IF NOT EXISTS dimensions_by_hour {on_cluster} (
    hour DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    dimension LowCardinality(String),
    provider LowCardinality(String),
    value LowCardinality(String),
    requests SimpleAggregateFunction(sum, UInt64),
    blocked SimpleAggregateFunction(sum, UInt64),
    failed SimpleAggregateFunction(sum, UInt64),
    latency AggregateFunction(quantilesDD(0.01, 0.5, 0.9, 0.99), Nullable(Float64)),
    subjects AggregateFunction(uniqCombined(12), String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (dimension, hour, tenant, provider, value)
TTL stored_at + {ttl:hours}
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 64;

CREATE TABLE IF NOT EXISTS dimensions_by_day {on_cluster} (
    day DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    dimension LowCardinality(String),
    provider LowCardinality(String),
    value LowCardinality(String),
    requests SimpleAggregateFunction(sum, UInt64),
    blocked SimpleAggregateFunction(sum, UInt64),
    failed SimpleAggregateFunction(sum, UInt64),
    latency AggregateFunction(quantilesDD(0.01, 0.5, 0.9, 0.99), Nullable(Float64)),
    subjects AggregateFunction(uniqCombined(12), String),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (dimension, tenant, day, provider, value)
TTL stored_at + {ttl:days}
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 64;

CREATE TABLE IF NOT EXISTS categories_by_hour {on_cluster} (
    hour DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String),
    category LowCardinality(String),
    state LowCardinality(String),
    severity Int8,
    verdicts SimpleAggregateFunction(sum, UInt64),
    stored_at SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant, hour, category, state, severity)
TTL stored_at + {ttl:hours}
SETTINGS non_replicated_deduplication_window = 10000;

-- What is stored already, as often as this is run. Left out is the last batch of every partition: the archiver that
-- takes the partition over inserts it again, and these tables do not know its token. No archiver may run meanwhile.
TRUNCATE TABLE dimensions_by_hour {on_cluster};
TRUNCATE TABLE dimensions_by_day {on_cluster};
TRUNCATE TABLE categories_by_hour {on_cluster};

INSERT INTO dimensions_by_hour (hour, tenant, dimension, provider, value, requests, blocked, failed, stored_at)
SETTINGS insert_deduplicate = 0
SELECT
    r.hour AS hour, r.tenant AS tenant, d AS dimension, if(d = 'model', r.provider, '') AS provider,
    multiIf(d = 'model', r.model, d = 'deployment', r.deployment, d = 'language', r.language, r.release) AS value,
    sum(r.n) AS requests, sumIf(r.n, r.outcome = 'blocked'), sumIf(r.n, r.outcome = 'failed'), max(r.stored_at)
FROM (
    SELECT hour, tenant, provider, model, deployment, language, release, outcome, toInt64(requests) AS n, stored_at
    FROM requests_by_hour
    UNION ALL
    SELECT toStartOfHour(at, 'UTC'), tenant, provider, model, deployment, language, release, outcome, -1, toDateTime(stored_at)
    FROM request_logs
    WHERE (epoch, partition, stored_at) IN (
        SELECT epoch, partition, argMax(stored_at, due) FROM archive_batches FINAL
        WHERE topic = 'request-logs' AND epoch = greatest((SELECT max(epoch) FROM epochs), (SELECT max(epoch) FROM archive_batches))
        GROUP BY epoch, partition
    )
) AS r
ARRAY JOIN ['model', 'deployment', 'language', 'release'] AS d
GROUP BY hour, tenant, dimension, provider, value
HAVING requests > 0;

INSERT INTO dimensions_by_day (day, tenant, dimension, provider, value, requests, blocked, failed, stored_at)
SETTINGS insert_deduplicate = 0
SELECT
    r.day AS day, r.tenant AS tenant, d AS dimension, if(d = 'model', r.provider, '') AS provider,
    multiIf(d = 'model', r.model, d = 'deployment', r.deployment, d = 'language', r.language, r.release) AS value,
    sum(r.n) AS requests, sumIf(r.n, r.outcome = 'blocked'), sumIf(r.n, r.outcome = 'failed'), max(r.stored_at)
FROM (
    SELECT day, tenant, provider, model, deployment, language, release, outcome, toInt64(requests) AS n, stored_at
    FROM requests_by_day
    UNION ALL
    SELECT toStartOfDay(at, 'UTC'), tenant, provider, model, deployment, language, release, outcome, -1, toDateTime(stored_at)
    FROM request_logs
    WHERE (epoch, partition, stored_at) IN (
        SELECT epoch, partition, argMax(stored_at, due) FROM archive_batches FINAL
        WHERE topic = 'request-logs' AND epoch = greatest((SELECT max(epoch) FROM epochs), (SELECT max(epoch) FROM archive_batches))
        GROUP BY epoch, partition
    )
) AS r
ARRAY JOIN ['model', 'deployment', 'language', 'release'] AS d
GROUP BY day, tenant, dimension, provider, value
HAVING requests > 0;

-- The other rollups' states are of other kinds, so that these are made of raw rows.
INSERT INTO dimensions_by_hour (hour, tenant, dimension, provider, value, latency, subjects, stored_at)
SETTINGS insert_deduplicate = 0
SELECT
    toStartOfHour(r.at, 'UTC') AS hour, r.tenant AS tenant, d AS dimension, if(d = 'model', r.provider, '') AS provider,
    multiIf(d = 'model', r.model, d = 'deployment', r.deployment, d = 'language', r.language, r.release) AS value,
    quantilesDDState(0.01, 0.5, 0.9, 0.99)(r.latency_ms), uniqCombinedState(12)(r.subject), max(toDateTime(r.stored_at))
FROM request_logs AS r
ARRAY JOIN ['model', 'deployment', 'language', 'release'] AS d
WHERE NOT (epoch, partition, stored_at) IN (
    SELECT epoch, partition, argMax(stored_at, due) FROM archive_batches FINAL
    WHERE topic = 'request-logs' AND epoch = greatest((SELECT max(epoch) FROM epochs), (SELECT max(epoch) FROM archive_batches))
    GROUP BY epoch, partition
)
GROUP BY hour, tenant, dimension, provider, value
SETTINGS max_bytes_before_external_group_by = 1000000000;

INSERT INTO dimensions_by_day (day, tenant, dimension, provider, value, latency, subjects, stored_at)
SETTINGS insert_deduplicate = 0
SELECT
    toStartOfDay(hour), tenant, dimension, provider, value,
    quantilesDDMergeState(0.01, 0.5, 0.9, 0.99)(latency), uniqCombinedMergeState(12)(subjects), max(stored_at)
FROM dimensions_by_hour
GROUP BY ALL;

INSERT INTO categories_by_hour (hour, tenant, category, state, severity, verdicts, stored_at)
SETTINGS insert_deduplicate = 0
SELECT r.hour, r.tenant, r.category, r.state, r.severity, sum(r.n) AS verdicts, max(r.stored_at)
FROM (
    SELECT hour, tenant, category, state, severity, toInt64(verdicts) AS n, stored_at
    FROM verdicts_by_hour
    UNION ALL
    SELECT toStartOfHour(at, 'UTC'), tenant, category, state, toInt8(ifNull(severity, -1)), -1, toDateTime(stored_at)
    FROM filter_verdicts
    WHERE (epoch, partition, stored_at) IN (
        SELECT epoch, partition, argMax(stored_at, due) FROM archive_batches FINAL
        WHERE topic = 'filter-verdicts' AND epoch = greatest((SELECT max(epoch) FROM epochs), (SELECT max(epoch) FROM archive_batches))
        GROUP BY epoch, partition
    )
) AS r
GROUP BY ALL
HAVING verdicts > 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_dimensions_by_hour {on_cluster} TO dimensions_by_hour AS
SELECT
    toStartOfHour(r.at, 'UTC') AS hour, r.tenant AS tenant, d AS dimension, if(d = 'model', r.provider, '') AS provider,
    multiIf(d = 'model', r.model, d = 'deployment', r.deployment, d = 'language', r.language, r.release) AS value,
    count() AS requests,
    countIf(r.outcome = 'blocked') AS blocked,
    countIf(r.outcome = 'failed') AS failed,
    quantilesDDState(0.01, 0.5, 0.9, 0.99)(r.latency_ms) AS latency,
    uniqCombinedState(12)(r.subject) AS subjects,
    max(toDateTime(r.stored_at)) AS stored_at
FROM request_logs AS r
ARRAY JOIN ['model', 'deployment', 'language', 'release'] AS d
GROUP BY hour, tenant, dimension, provider, value;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_dimensions_by_day {on_cluster} TO dimensions_by_day AS
SELECT
    toStartOfDay(r.hour) AS day,
    r.tenant AS tenant, r.dimension AS dimension, r.provider AS provider, r.value AS value,
    sum(r.requests) AS requests,
    sum(r.blocked) AS blocked,
    sum(r.failed) AS failed,
    quantilesDDMergeState(0.01, 0.5, 0.9, 0.99)(r.latency) AS latency,
    uniqCombinedMergeState(12)(r.subjects) AS subjects,
    max(r.stored_at) AS stored_at
FROM dimensions_by_hour AS r
GROUP BY day, tenant, dimension, provider, value;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_categories_by_hour {on_cluster} TO categories_by_hour AS
SELECT
    r.hour AS hour, r.tenant AS tenant, r.category AS category, r.state AS state, r.severity AS severity,
    sum(r.verdicts) AS verdicts,
    max(r.stored_at) AS stored_at
FROM verdicts_by_hour AS r
GROUP BY hour, tenant, category, state, severity;
