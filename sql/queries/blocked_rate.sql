-- Question: How many requests were there per hour, and what share of them was blocked?
-- Tables: requests_by_hour
-- Cost: one row per hour and dimension asked for
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT hour, sum(requests) AS total, sumIf(requests, outcome = 'blocked') AS blocked, blocked / total AS blocked_rate
FROM requests_by_hour
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
GROUP BY hour
ORDER BY hour
