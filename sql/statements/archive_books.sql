-- Question: per topic and partition, what became of the records of one epoch, and are the rows there?
-- Tables: archive_batches and every raw table. Cost: the place columns of the time asked for.
SELECT
    topic, partition,
    sum(stored) AS stored, sum(duplicates) AS duplicates, sum(invalid) AS invalid,
    max(next_offset) AS next_offset, sum(rows) AS rows
FROM (
    SELECT
        toString(topic) AS topic, partition, toUInt64(stored) AS stored, toUInt64(duplicates) AS duplicates,
        toUInt64(invalid) AS invalid, toUInt64(last + 1) AS next_offset, toUInt64(0) AS rows
    FROM archive_batches FINAL
    WHERE epoch = {epoch:UInt32} AND archive_batches.stored_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    UNION ALL
    SELECT topic, partition, toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), count()
    FROM (
        SELECT 'request-logs' AS topic, partition, epoch, stored_at FROM request_logs
        UNION ALL SELECT 'filter-verdicts', partition, epoch, stored_at FROM filter_verdicts
        UNION ALL SELECT 'user-feedback', partition, epoch, stored_at FROM user_feedback
        UNION ALL SELECT 'provider-notices', partition, epoch, stored_at FROM provider_notices
        UNION ALL SELECT 'signals', partition, epoch, stored_at FROM signals
        UNION ALL SELECT 'ledger', partition, epoch, stored_at FROM ledger
        UNION ALL SELECT 'dead-letters', partition, epoch, stored_at FROM dead_letters
    )
    WHERE epoch = {epoch:UInt32} AND stored_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    GROUP BY topic, partition
)
GROUP BY topic, partition
ORDER BY topic, partition
