-- Question: What did users say about the answers of each release?
-- Tables: user_feedback
-- Cost: every raw feedback row of the time asked for
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT
    release, count() AS feedback, countIf(thumb = 'up') AS up, countIf(thumb = 'down') AS down,
    if(up + down = 0, NULL, up / (up + down)) AS up_share, avg(rating) AS mean_rating,
    countIf(has(reasons, 'inaccurate')) AS inaccurate, countIf(has(reasons, 'harmful')) AS harmful,
    countIf(has(reasons, 'incomplete')) AS incomplete, countIf(has(reasons, 'other')) AS other
FROM user_feedback
WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
GROUP BY release
ORDER BY feedback DESC, release
