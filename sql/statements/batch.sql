-- Question: what are the rows of one batch?
-- Tables: one raw table. Cost: one batch, and the place columns of one day of one table.
SELECT *
FROM {table:Identifier}
WHERE stored_at = fromUnixTimestamp64Milli({stored_at_ms:Int64}, 'UTC')
  AND epoch = {epoch:UInt32} AND partition = {partition:UInt16} AND offset BETWEEN {first:UInt64} AND {last:UInt64}
ORDER BY offset
