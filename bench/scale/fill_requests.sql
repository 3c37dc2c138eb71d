-- What it makes: the request logs of the verdicts that fill_verdicts.sql makes, one per eight of them.
-- Parameters: requests from number `first` on; `start` and milliseconds per request; how many subjects there are
INSERT INTO request_logs (
    event_id, at, tenant, subject, session, source_format, request_id, provider, model, deployment, modality, language,
    release, outcome, http_status, finish_reason, prompt_tokens, completion_tokens, latency_ms, streamed, partial,
    epoch, partition, offset, event_hash, stored_at
)
WITH
    cityHash64(number) AS dice,
    toUInt64(pow((dice % 1000003) / 1000003, 3) * {subjects:UInt64}) AS person
SELECT
    concat(request_id, ':log') AS event_id,
    toDateTime64({start:DateTime('UTC')}, 3, 'UTC') + toIntervalMillisecond(toUInt64(number * {step:Float64})) AS at,
    concat('tenant-', toString(person % 20)) AS tenant,
    concat('k1.', substring(lower(hex(sipHash128(person, 'subject'))), 1, 26)) AS subject,
    concat('k1.', substring(lower(hex(sipHash128(person, intDiv(number, 20000)))), 1, 26)) AS session,
    'azure-openai-chat' AS source_format,
    concat('chatcmpl-', substring(hex(sipHash128(number, 'request')), 1, 29)) AS request_id,
    'azure.openai' AS provider,
    ['gpt-4.1', 'gpt-4o', 'gpt-4o-mini', 'o4-mini', 'gpt-5'][(person % 20 + bitShiftRight(dice, 8) % 3) % 5 + 1] AS model,
    concat(model, '-prod') AS deployment,
    'text' AS modality,
    ['en', 'en', 'en', 'en', 'en', 'en', 'de', 'fr', 'es', 'ja'][bitShiftRight(dice, 16) % 10 + 1] AS language,
    concat('2026.', toString(toISOWeek(at) + (bitShiftRight(dice, 24) % 10 = 0))) AS release,
    multiIf(bitShiftRight(dice, 32) % 100 < 4, 'blocked', bitShiftRight(dice, 32) % 100 < 5, 'failed', 'completed') AS outcome,
    multiIf(outcome = 'completed', 200, outcome = 'blocked', 400, 500) AS http_status,
    if(outcome = 'completed', 'stop', '') AS finish_reason,
    50 + dice % 2000 AS prompt_tokens,
    20 + dice % 800 AS completion_tokens,
    200 + exp(6 + (dice % 1000) / 400) AS latency_ms,
    true AS streamed,
    false AS partial,
    1 AS epoch,
    cityHash64(subject) % 4 AS partition,
    number AS offset,
    cityHash64(event_id) AS event_hash,
    toStartOfMinute(at) + toIntervalMinute(1) AS stored_at
FROM numbers({first:UInt64}, {count:UInt64})
