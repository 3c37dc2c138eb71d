-- Question: what did the archiver note last about a partition?
-- Tables: archive_batches. Cost: two reads at the end of a primary key range.
SELECT due, first, last, stored, toUnixTimestamp64Milli(stored_at) AS stored_at_ms, owner
FROM archive_batches FINAL
WHERE epoch = {epoch:UInt32} AND topic = {topic:String} AND partition = {partition:UInt16}
  AND due = (
    SELECT due FROM archive_batches
    WHERE epoch = {epoch:UInt32} AND topic = {topic:String} AND partition = {partition:UInt16}
    ORDER BY epoch DESC, topic DESC, partition DESC, due DESC LIMIT 1
  )
