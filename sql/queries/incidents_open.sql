-- Question: Which incidents are not resolved, how old are they, and who works on them?
-- Tables: incidents
-- Cost: every incident record
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=
SELECT id, tenant, level, state, title, series, detector, categories, opened_at, updated_at, acknowledged_at, owner
FROM incidents
WHERE state != 'resolved' AND (opened_at >= {from:DateTime('UTC')} AND opened_at < {to:DateTime('UTC')}) AND ({tenant:String} = '' OR tenant = {tenant:String})
ORDER BY level = 'page' DESC, opened_at, id
