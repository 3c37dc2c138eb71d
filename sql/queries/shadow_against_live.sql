-- Question: What does each shadow policy conclude beside the live one: how many subjects per measure and series per incident, in both or in one?
-- Tables: ledger, shadow_ledger
-- Cost: every decision, held measure and opened incident of the time asked for, once per shadow
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=; shadow=
WITH acts AS (
    SELECT '' AS source, tenant, key, kind, detail
    FROM ledger
    WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
    UNION ALL
    SELECT shadow AS source, tenant, key, kind, detail
    FROM shadow_ledger
    WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
),
findings AS (
    SELECT
        source, tenant, key,
        multiIf(
            kind = 'decision', JSONExtractString(detail, 'measure'),
            kind = 'incident_opened', concat('incident: ', JSONExtractString(detail, 'level')),
            JSONExtractString(detail, 'would')
        ) AS finding
    FROM acts
    WHERE kind IN ('decision', 'incident_opened')
        OR (kind = 'held' AND JSONExtractString(detail, 'reason') IN ('mode_observe', 'mode_review') AND empty(JSONExtract(detail, 'also', 'Array(String)')))
),
shadows AS (
    SELECT DISTINCT source AS shadow FROM acts WHERE source != '' AND ({shadow:String} = '' OR source = {shadow:String})
)
SELECT
    shadow, tenant, finding,
    countIf(is_live) AS live, countIf(is_shadow) AS shadowed,
    countIf(is_live AND is_shadow) AS both, countIf(is_live AND NOT is_shadow) AS only_live,
    countIf(is_shadow AND NOT is_live) AS only_shadow
FROM (
    SELECT
        shadows.shadow AS shadow, findings.tenant AS tenant, findings.finding AS finding, findings.key AS key,
        countIf(findings.source = '') > 0 AS is_live, countIf(findings.source = shadows.shadow) > 0 AS is_shadow
    FROM findings CROSS JOIN shadows
    GROUP BY shadow, tenant, finding, key
)
WHERE finding != '' AND (is_live OR is_shadow)
GROUP BY shadow, tenant, finding
ORDER BY shadow, tenant, finding
