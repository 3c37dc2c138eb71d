-- Question: How grave is what filters found, per category: blocked, masked, or annotated and let through?
-- Tables: categories_by_hour
-- Cost: one row per hour, tenant, category, state and severity
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT
    category, if(severity < 0, 'unrated', ['safe', 'low', 'medium', 'high'][severity + 1]) AS rating,
    sumIf(verdicts, state = 'blocked') AS blocked,
    sumIf(verdicts, state = 'masked') AS masked,
    sumIf(verdicts, state = 'detected') AS annotated_not_blocked,
    blocked + masked + annotated_not_blocked AS flagged,
    flagged / sum(flagged) OVER (PARTITION BY category) AS share_of_category
FROM categories_by_hour
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String}) AND state IN ('blocked', 'masked', 'detected')
GROUP BY category, severity
ORDER BY category, severity
