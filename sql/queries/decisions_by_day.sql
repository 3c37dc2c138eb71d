-- Question: What was decided per day, what was held back and why, and what was reversed?
-- Tables: ledger
-- Cost: every ledger entry of the time asked for
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT
    toStartOfDay(at, 'UTC') AS day, kind,
    multiIf(
        kind = 'decision', JSONExtractString(detail, 'measure'),
        kind = 'held', JSONExtractString(detail, 'reason'),
        ''
    ) AS what,
    count() AS entries, uniqExact(key) AS subjects
FROM ledger
WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String}) AND kind IN ('decision', 'held', 'lift', 'appeal_opened', 'appeal_decided')
GROUP BY day, kind, what
ORDER BY day, kind, what
