-- Question: how many rows of one batch are stored, whenever that was?
-- Tables: one raw table. Cost: the place columns of the whole table; asked only where an insert was refused as a repetition.
SELECT count()
FROM {table:Identifier}
WHERE epoch = {epoch:UInt32} AND partition = {partition:UInt16} AND offset BETWEEN {first:UInt64} AND {last:UInt64}
