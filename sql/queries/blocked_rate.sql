-- Question: How many requests were there per hour, and what share of them was blocked?
-- Tables: dimensions_by_hour
-- Cost: one row per hour, tenant and model; each dimension holds every request once, and models are few
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT r.hour AS hour, sum(r.requests) AS total, sum(r.blocked) AS blocked, blocked / total AS blocked_rate
FROM dimensions_by_hour AS r
WHERE dimension = 'model' AND hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
GROUP BY hour
ORDER BY hour
