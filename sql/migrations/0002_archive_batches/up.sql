-- The archiver's books, written before the rows of a batch: which offsets, and what became of them.
-- The key is the offset that was due, so a batch that is made again replaces its entry.
CREATE TABLE IF NOT EXISTS archive_batches {on_cluster} (
    epoch UInt32,
    topic LowCardinality(String),
    partition UInt16,
    due UInt64,
    first UInt64,
    last UInt64,
    stored UInt32,
    duplicates UInt32,
    invalid UInt32,
    owner String,
    stored_at DateTime64(3, 'UTC')
)
ENGINE = {engine:ReplacingMergeTree(stored_at)}
ORDER BY (epoch, topic, partition, due)
TTL toDateTime(stored_at) + {ttl:hours};
