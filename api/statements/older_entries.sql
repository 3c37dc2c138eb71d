-- Question: Which decisions, lifts, appeal steps and incident steps are older than this place in the feed?
-- Tables: ledger
-- Cost: the ledger before that time, read from its newest end; `since` bounds it
SELECT id, at, tenant, key, kind, actor, about, words, detail
FROM ledger
WHERE (at, id) < ({at:DateTime64(3, 'UTC')}, {id:String})
  AND at >= {since:DateTime64(3, 'UTC')}
  AND has(splitByChar(',', {kinds:String}), kind)
  AND ({detector:String} = '' OR JSONExtractString(detail, 'detector') = {detector:String})
  AND ({level:String} = '' OR {level:String} IN (
      JSONExtractString(detail, 'level'), JSONExtractString(detail, 'measure'), JSONExtractString(detail, 'would')
  ))
ORDER BY at DESC, id DESC
LIMIT 1 BY id
LIMIT {limit:UInt32}
