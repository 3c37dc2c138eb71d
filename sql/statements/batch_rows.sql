-- Question: how many rows of one batch are stored?
-- Tables: one raw table. Cost: the place columns of one day of one table.
SELECT count()
FROM {table:Identifier}
WHERE stored_at = fromUnixTimestamp64Milli({stored_at_ms:Int64}, 'UTC')
  AND epoch = {epoch:UInt32} AND partition = {partition:UInt16} AND offset BETWEEN {first:UInt64} AND {last:UInt64}
