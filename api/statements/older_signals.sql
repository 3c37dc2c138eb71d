-- Question: Which signals are older than this place in the feed?
-- Tables: signals
-- Cost: the signals before that time, read from their newest end; `since` bounds it
SELECT
    id, at, tenant, key, subject, detector, level, statistic_name, statistic_value, statistic_threshold,
    categories, stages, evidence, count, requests, share, gravity, intent, expected, seen, since, policy_version, words
FROM signals
WHERE (at, id) < ({at:DateTime64(3, 'UTC')}, {id:String})
  AND at >= {since:DateTime64(3, 'UTC')}
  AND ({detector:String} = '' OR detector = {detector:String})
  AND ({level:String} = '' OR level = {level:String})
ORDER BY at DESC, id DESC
LIMIT 1 BY id
LIMIT {limit:UInt32}
