-- The latest enforcements, appeals, incidents and worker books, read out of the compacted topics' records.
CREATE VIEW IF NOT EXISTS enforcements {on_cluster} AS
SELECT
    s.tenant AS tenant,
    JSONExtract(s.value, 'subject', 'String') AS subject,
    JSONExtract(s.value, 'revision', 'UInt64') AS revision,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'at'), 3, 'UTC') AS at,
    JSONExtractRaw(s.value, 'measures') AS measures
FROM state_records AS s FINAL
WHERE s.topic = 'enforcements' AND NOT s.deleted;

CREATE VIEW IF NOT EXISTS appeals {on_cluster} AS
SELECT
    s.tenant AS tenant,
    JSONExtract(s.value, 'id', 'String') AS id,
    JSONExtract(s.value, 'subject', 'String') AS subject,
    JSONExtract(s.value, 'decision_id', 'String') AS decision_id,
    JSONExtract(s.value, 'decider', 'String') AS decider,
    JSONExtract(s.value, 'state', 'String') AS state,
    JSONExtract(s.value, 'reviewer', 'String') AS reviewer,
    JSONExtract(s.value, 'reason', 'String') AS reason,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'opened_at'), 3, 'UTC') AS opened_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'due_at'), 3, 'UTC') AS due_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'claimed_at'), 3, 'UTC') AS claimed_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'decided_at'), 3, 'UTC') AS decided_at
FROM state_records AS s FINAL
WHERE s.topic = 'appeals' AND NOT s.deleted;

CREATE VIEW IF NOT EXISTS incidents {on_cluster} AS
SELECT
    s.tenant AS tenant,
    JSONExtract(s.value, 'id', 'String') AS id,
    JSONExtract(s.value, 'series', 'String') AS series,
    JSONExtract(s.value, 'detector', 'String') AS detector,
    JSONExtract(s.value, 'level', 'String') AS level,
    JSONExtract(s.value, 'state', 'String') AS state,
    JSONExtract(s.value, 'title', 'String') AS title,
    JSONExtract(s.value, 'owner', 'String') AS owner,
    JSONExtract(s.value, 'categories', 'Array(String)') AS categories,
    JSONExtract(s.value, 'signals', 'Array(String)') AS signals,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'opened_at'), 3, 'UTC') AS opened_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'updated_at'), 3, 'UTC') AS updated_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'acknowledged_at'), 3, 'UTC') AS acknowledged_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(s.value, 'resolved_at'), 3, 'UTC') AS resolved_at
FROM state_records AS s FINAL
WHERE s.topic = 'incidents' AND NOT s.deleted;

CREATE VIEW IF NOT EXISTS books {on_cluster} AS
SELECT s.tenant AS tenant, s.key AS key, s.value AS value
FROM state_records AS s FINAL
WHERE s.topic = 'books' AND NOT s.deleted;
