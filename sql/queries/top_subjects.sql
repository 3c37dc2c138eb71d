-- Question: Who might be abusing the service: score and its trend, total and per-category count and ratio of blocked requests?
-- Tables: filter_verdicts, signals
-- Cost: every raw verdict of the time asked for; name a tenant and a time on large tables
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=; limit=100
SELECT
    tenant, subject, score, score_trend, evaluated_at, requests, blocked, blocked / requests AS blocked_ratio, by_category
FROM (
    SELECT
        tenant, subject, uniqExact(request_id) AS requests, uniqExactIf(request_id, state = 'blocked') AS blocked
    FROM filter_verdicts
    WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY tenant, subject
    HAVING blocked > 0
) AS totals
INNER JOIN (
    SELECT tenant, subject, groupArray((category, count, ratio)) AS by_category
    FROM (
        SELECT
            tenant, subject, category,
            uniqExactIf(request_id, state = 'blocked') AS count, count / uniqExact(request_id) AS ratio
        FROM filter_verdicts
        WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
        GROUP BY tenant, subject, category
        HAVING count > 0
        ORDER BY count DESC, category
    )
    GROUP BY tenant, subject
) AS categories USING (tenant, subject)
LEFT JOIN (
    SELECT
        tenant, subject, argMax(statistic_value, at) AS score,
        argMax(statistic_value, at) - argMin(statistic_value, at) AS score_trend, max(at) AS evaluated_at
    FROM signals
    WHERE detector = 'repeat_offender' AND at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY tenant, subject
) AS scores USING (tenant, subject)
ORDER BY score DESC, blocked DESC, tenant, subject
LIMIT {limit:UInt32}
