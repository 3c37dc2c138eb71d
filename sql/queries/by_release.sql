-- Question: How many requests and what block rate has each release or cohort?
-- Tables: requests_by_day, requests_by_hour
-- Cost: one row per whole day, or hour of a day that is cut, and dimension
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT
    release, sum(requests) AS total, sumIf(requests, outcome = 'blocked') AS blocked, blocked / total AS blocked_rate,
    sumIf(requests, outcome = 'failed') AS failed, uniqMerge(subjects) AS users,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.99)(latency)) AS latency_ms
FROM (
    SELECT release, requests, outcome, subjects, latency FROM requests_by_day
    PREWHERE day >= {from:DateTime('UTC')} AND day + 86400 <= {to:DateTime('UTC')}
        AND ({tenant:String} = '' OR tenant = {tenant:String})
    UNION ALL
    SELECT release, requests, outcome, subjects, latency FROM requests_by_hour
    PREWHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')}
        AND NOT (toStartOfDay(hour) >= {from:DateTime('UTC')} AND toStartOfDay(hour) + 86400 <= {to:DateTime('UTC')})
        AND ({tenant:String} = '' OR tenant = {tenant:String})
)
GROUP BY release
ORDER BY total DESC, release
