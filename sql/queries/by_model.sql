-- Question: How many requests and what block rate has each model?
-- Tables: requests_by_hour
-- Cost: one row per hour and dimension asked for
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT
    provider, model, sum(requests) AS total, sumIf(requests, outcome = 'blocked') AS blocked, blocked / total AS blocked_rate,
    sumIf(requests, outcome = 'failed') AS failed, uniqMerge(subjects) AS users,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.99)(latency)) AS latency_ms
FROM requests_by_hour
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
GROUP BY provider, model
ORDER BY total DESC, provider, model
