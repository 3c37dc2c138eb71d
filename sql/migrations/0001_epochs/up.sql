-- Each life of the Kafka log: offsets start again at 0 when the log was lost and restored.
CREATE TABLE IF NOT EXISTS epochs {on_cluster} (
    epoch UInt32,
    begun_at DateTime64(3, 'UTC')
)
ENGINE = {engine:ReplacingMergeTree(begun_at)}
ORDER BY epoch;
