-- Question: which events does a table hold in these minutes (of event time, counted from 1970)?
-- Tables: one raw table. Cost: the hashes of the granules whose time range touches the minutes.
SELECT intDiv(toUnixTimestamp(at), 60) AS minute, groupArray(event_hash) AS hashes
FROM {table:Identifier}
WHERE at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  AND minute IN {minutes:Array(UInt32)}
GROUP BY minute
