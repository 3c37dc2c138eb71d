-- Question: what is the latest record of every key of every compacted topic?
-- Tables: state_records. Cost: the whole table.
SELECT topic, key, value, partition
FROM state_records FINAL
WHERE NOT deleted
ORDER BY topic, key
