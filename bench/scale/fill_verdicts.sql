-- What it makes: eight verdicts of each request, as a gateway with four harm categories on prompt and completion sends.
-- Parameters: verdicts from number `first` on; `start` and milliseconds per request; how many subjects there are
INSERT INTO filter_verdicts (
    event_id, at, tenant, subject, session, source_format, request_id, provider, model, deployment, modality, language,
    release, filter, filter_version, stage, category, provider_category, state, severity, score_kind, partial,
    epoch, partition, offset, event_hash, stored_at
)
WITH
    intDiv(number, 8) AS request,
    cityHash64(request) AS dice,
    toUInt64(pow((dice % 1000003) / 1000003, 3) * {subjects:UInt64}) AS person,
    cityHash64(number, 'state') % 10000 AS finding
SELECT
    concat(request_id, ':', stage, ':', category) AS event_id,
    toDateTime64({start:DateTime('UTC')}, 3, 'UTC') + toIntervalMillisecond(toUInt64(request * {step:Float64})) AS at,
    concat('tenant-', toString(person % 20)) AS tenant,
    concat('k1.', substring(lower(hex(sipHash128(person, 'subject'))), 1, 26)) AS subject,
    concat('k1.', substring(lower(hex(sipHash128(person, intDiv(request, 20000)))), 1, 26)) AS session,
    'azure-openai-chat' AS source_format,
    concat('chatcmpl-', substring(hex(sipHash128(request, 'request')), 1, 29)) AS request_id,
    'azure.openai' AS provider,
    ['gpt-4.1', 'gpt-4o', 'gpt-4o-mini', 'o4-mini', 'gpt-5'][(person % 20 + bitShiftRight(dice, 8) % 3) % 5 + 1] AS model,
    concat(model, '-prod') AS deployment,
    'text' AS modality,
    ['en', 'en', 'en', 'en', 'en', 'en', 'de', 'fr', 'es', 'ja'][bitShiftRight(dice, 16) % 10 + 1] AS language,
    concat('2026.', toString(toISOWeek(at) + (bitShiftRight(dice, 24) % 10 = 0))) AS release,
    'azure-content-filter' AS filter,
    '2026-01' AS filter_version,
    if(number % 8 < 4, 'prompt', 'completion') AS stage,
    ['hate', 'sexual', 'violence', 'self_harm'][number % 4 + 1] AS category,
    category AS provider_category,
    multiIf(finding < 50, 'blocked', finding < 200, 'detected', 'clean') AS state,
    multiIf(finding < 10, 3, finding < 50, 2, finding < 200, 1, 0) AS severity,
    'none' AS score_kind,
    false AS partial,
    1 AS epoch,
    cityHash64(subject) % 4 AS partition,
    number AS offset,
    cityHash64(event_id) AS event_hash,
    toStartOfMinute(at) + toIntervalMinute(1) AS stored_at
FROM numbers({first:UInt64}, {count:UInt64})
