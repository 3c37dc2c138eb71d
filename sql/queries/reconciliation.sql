-- Question: Where do rollups and raw rows differ? It must answer no rows, as long as raw rows and minutes are both kept.
-- Tables: filter_verdicts, request_logs and their rollups
-- Cost: every raw row and every rollup row of the time asked for; name a time on large tables
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT source, bucket, category_or_outcome, sum(raw) AS raw_rows, sum(rolled) AS rolled_rows
FROM (
    SELECT 'verdicts per minute' AS source, toStartOfMinute(at, 'UTC') AS bucket, toString(category) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM filter_verdicts
    WHERE toStartOfMinute(at, 'UTC') >= toStartOfMinute({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'verdicts per minute', minute, toString(category), toUInt64(0), sum(verdicts)
    FROM verdicts_by_minute
    WHERE minute >= toStartOfMinute({from:DateTime('UTC')}) AND minute < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY minute, category
    UNION ALL
    SELECT 'verdicts per hour' AS source, toStartOfHour(at, 'UTC') AS bucket, toString(category) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM filter_verdicts
    WHERE toStartOfHour(at, 'UTC') >= toStartOfHour({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'verdicts per hour', hour, toString(category), toUInt64(0), sum(verdicts)
    FROM verdicts_by_hour
    WHERE hour >= toStartOfHour({from:DateTime('UTC')}) AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY hour, category
    UNION ALL
    SELECT 'verdicts per day' AS source, toStartOfDay(at, 'UTC') AS bucket, toString(category) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM filter_verdicts
    WHERE toStartOfDay(at, 'UTC') >= toStartOfDay({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'verdicts per day', day, toString(category), toUInt64(0), sum(verdicts)
    FROM verdicts_by_day
    WHERE day >= toStartOfDay({from:DateTime('UTC')}) AND day < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY day, category
    UNION ALL
    SELECT 'requests per minute' AS source, toStartOfMinute(at, 'UTC') AS bucket, toString(outcome) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM request_logs
    WHERE toStartOfMinute(at, 'UTC') >= toStartOfMinute({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'requests per minute', minute, toString(outcome), toUInt64(0), sum(requests)
    FROM requests_by_minute
    WHERE minute >= toStartOfMinute({from:DateTime('UTC')}) AND minute < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY minute, outcome
    UNION ALL
    SELECT 'requests per hour' AS source, toStartOfHour(at, 'UTC') AS bucket, toString(outcome) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM request_logs
    WHERE toStartOfHour(at, 'UTC') >= toStartOfHour({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'requests per hour', hour, toString(outcome), toUInt64(0), sum(requests)
    FROM requests_by_hour
    WHERE hour >= toStartOfHour({from:DateTime('UTC')}) AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY hour, outcome
    UNION ALL
    SELECT 'requests per day' AS source, toStartOfDay(at, 'UTC') AS bucket, toString(outcome) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM request_logs
    WHERE toStartOfDay(at, 'UTC') >= toStartOfDay({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'requests per day', day, toString(outcome), toUInt64(0), sum(requests)
    FROM requests_by_day
    WHERE day >= toStartOfDay({from:DateTime('UTC')}) AND day < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY day, outcome
    UNION ALL
    SELECT 'categories per hour' AS source, toStartOfHour(at, 'UTC') AS bucket, concat(category, ' ', state) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM filter_verdicts
    WHERE toStartOfHour(at, 'UTC') >= toStartOfHour({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'categories per hour', hour, concat(category, ' ', state), toUInt64(0), sum(verdicts)
    FROM categories_by_hour
    WHERE hour >= toStartOfHour({from:DateTime('UTC')}) AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY hour, category, state
    UNION ALL
    SELECT 'dimensions per hour' AS source, toStartOfHour(at, 'UTC') AS bucket, arrayJoin([concat('model ', model), concat('deployment ', deployment), concat('language ', language), concat('release ', release)]) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM request_logs
    WHERE toStartOfHour(at, 'UTC') >= toStartOfHour({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'dimensions per hour', hour, concat(dimension, ' ', value), toUInt64(0), sum(requests)
    FROM dimensions_by_hour
    WHERE hour >= toStartOfHour({from:DateTime('UTC')}) AND hour < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY hour, dimension, value
    UNION ALL
    SELECT 'dimensions per day' AS source, toStartOfDay(at, 'UTC') AS bucket, arrayJoin([concat('model ', model), concat('deployment ', deployment), concat('language ', language), concat('release ', release)]) AS category_or_outcome, count() AS raw, toUInt64(0) AS rolled
    FROM request_logs
    WHERE toStartOfDay(at, 'UTC') >= toStartOfDay({from:DateTime('UTC')}) AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY bucket, category_or_outcome
    UNION ALL
    SELECT 'dimensions per day', day, concat(dimension, ' ', value), toUInt64(0), sum(requests)
    FROM dimensions_by_day
    WHERE day >= toStartOfDay({from:DateTime('UTC')}) AND day < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    GROUP BY day, dimension, value
)
GROUP BY source, bucket, category_or_outcome
HAVING raw_rows != rolled_rows
ORDER BY source, bucket, category_or_outcome
