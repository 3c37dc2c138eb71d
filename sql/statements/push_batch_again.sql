-- Inserts the rows of one stored batch again, under its own token: the table and every rollup that has them drop them,
-- and a rollup that a crash left without them gets them.
-- Tables: one raw table and its rollups. Cost: one batch.
INSERT INTO {table:Identifier}
SELECT * FROM {table:Identifier}
WHERE stored_at = fromUnixTimestamp64Milli({stored_at_ms:Int64}, 'UTC')
  AND epoch = {epoch:UInt32} AND partition = {partition:UInt16} AND offset BETWEEN {first:UInt64} AND {last:UInt64}
