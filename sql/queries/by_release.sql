-- Question: How many requests and what block rate has each release or cohort?
-- Tables: dimensions_by_day, dimensions_by_hour
-- Cost: one row per whole day, or hour of a day that is cut, and release
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT
    value AS release, sum(requests) AS total, sum(r.blocked) AS blocked, blocked / total AS blocked_rate,
    sum(r.failed) AS failed, uniqCombinedMerge(12)(subjects) AS users,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesDDMerge(0.01, 0.5, 0.9, 0.99)(latency)) AS latency_ms
FROM (
    SELECT value, requests, blocked, failed, subjects, latency FROM dimensions_by_day
    PREWHERE dimension = 'release' AND day >= {from:DateTime('UTC')} AND day + 86400 <= {to:DateTime('UTC')}
        AND ({tenant:String} = '' OR tenant = {tenant:String})
    UNION ALL
    SELECT value, requests, blocked, failed, subjects, latency FROM dimensions_by_hour
    PREWHERE dimension = 'release' AND hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
        AND NOT (toStartOfDay(hour) >= {from:DateTime('UTC')} AND toStartOfDay(hour) + 86400 <= {to:DateTime('UTC')})
        AND ({tenant:String} = '' OR tenant = {tenant:String})
) AS r
GROUP BY release
ORDER BY total DESC, release
