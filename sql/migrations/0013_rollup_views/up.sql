-- What people and BI tools read: rollups with their aggregate states merged.
CREATE VIEW IF NOT EXISTS verdicts_per_minute {on_cluster} AS
SELECT
    r.minute AS minute, r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.stage AS stage, r.category AS category, r.provider_category AS provider_category, r.state AS state,
    if(r.severity < 0, NULL, r.severity) AS severity,
    sum(r.verdicts) AS verdicts, uniqMerge(r.subjects) AS subjects
FROM verdicts_by_minute AS r
GROUP BY minute, tenant, provider, model, deployment, language, release, stage, category, provider_category, state, severity;

CREATE VIEW IF NOT EXISTS requests_per_minute {on_cluster} AS
SELECT
    r.minute AS minute, r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.modality AS modality, r.outcome AS outcome,
    sum(r.requests) AS requests, sum(r.prompt_tokens) AS prompt_tokens, sum(r.completion_tokens) AS completion_tokens,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.99)(r.latency)) AS latency_ms,
    uniqMerge(r.subjects) AS subjects
FROM requests_by_minute AS r
GROUP BY minute, tenant, provider, model, deployment, language, release, modality, outcome;

CREATE VIEW IF NOT EXISTS verdicts_per_hour {on_cluster} AS
SELECT
    r.hour AS hour, r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.stage AS stage, r.category AS category, r.provider_category AS provider_category, r.state AS state,
    if(r.severity < 0, NULL, r.severity) AS severity,
    sum(r.verdicts) AS verdicts, uniqMerge(r.subjects) AS subjects
FROM verdicts_by_hour AS r
GROUP BY hour, tenant, provider, model, deployment, language, release, stage, category, provider_category, state, severity;

CREATE VIEW IF NOT EXISTS requests_per_hour {on_cluster} AS
SELECT
    r.hour AS hour, r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.modality AS modality, r.outcome AS outcome,
    sum(r.requests) AS requests, sum(r.prompt_tokens) AS prompt_tokens, sum(r.completion_tokens) AS completion_tokens,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.99)(r.latency)) AS latency_ms,
    uniqMerge(r.subjects) AS subjects
FROM requests_by_hour AS r
GROUP BY hour, tenant, provider, model, deployment, language, release, modality, outcome;

CREATE VIEW IF NOT EXISTS verdicts_per_day {on_cluster} AS
SELECT
    r.day AS day, r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.stage AS stage, r.category AS category, r.provider_category AS provider_category, r.state AS state,
    if(r.severity < 0, NULL, r.severity) AS severity,
    sum(r.verdicts) AS verdicts, uniqMerge(r.subjects) AS subjects
FROM verdicts_by_day AS r
GROUP BY day, tenant, provider, model, deployment, language, release, stage, category, provider_category, state, severity;

CREATE VIEW IF NOT EXISTS requests_per_day {on_cluster} AS
SELECT
    r.day AS day, r.tenant AS tenant, r.provider AS provider, r.model AS model, r.deployment AS deployment, r.language AS language, r.release AS release, r.modality AS modality, r.outcome AS outcome,
    sum(r.requests) AS requests, sum(r.prompt_tokens) AS prompt_tokens, sum(r.completion_tokens) AS completion_tokens,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.99)(r.latency)) AS latency_ms,
    uniqMerge(r.subjects) AS subjects
FROM requests_by_day AS r
GROUP BY day, tenant, provider, model, deployment, language, release, modality, outcome;
