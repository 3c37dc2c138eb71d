-- Question: which partitions does a table have?
-- Tables: system.parts. Cost: nothing that counts.
SELECT DISTINCT partition_id
FROM system.parts
WHERE database = {database:String} AND table = {table:String} AND active
