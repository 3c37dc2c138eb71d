-- Question: How many verdicts blocked something, per hour and category, and what share of that category's verdicts?
-- Tables: categories_by_hour
-- Cost: one row per hour, tenant, category, state and severity
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT
    hour, category,
    sumIf(verdicts, state = 'blocked') AS blocked,
    sumIf(verdicts, state != 'not_evaluated') AS evaluated,
    if(evaluated = 0, 0, blocked / evaluated) AS blocked_rate
FROM categories_by_hour
WHERE hour >= {from:DateTime('UTC')} AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
GROUP BY hour, category
HAVING blocked > 0
ORDER BY hour, category
