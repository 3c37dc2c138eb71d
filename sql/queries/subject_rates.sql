-- Question: How many subjects had how many requests and violations, those left out that were already acted on: what a prior is fitted on?
-- Tables: filter_verdicts, ledger
-- Cost: every raw verdict of the time asked for; at most some thousand rows per tenant, requests above 100 are rounded to two digits
-- Defaults: from=1970-01-01 00:00:00; to=2106-01-01 00:00:00; tenant=; excused=self_harm,sexual_minors,prompt_attack_indirect
WITH
    splitByChar(',', {excused:String}) AS excused_categories,
    ('ungrounded', 'irrelevant', 'quality') AS about_the_answer
SELECT tenant, if(asked < 100, asked, round(asked, 1 - toInt8(floor(log10(asked))))) AS requests, violations, count() AS subjects
FROM (
    WITH state = 'blocked' AND category NOT IN excused_categories AND stage NOT IN ('document', 'tool') AS counts
    SELECT
        tenant, subject, uniqExact(request_id) AS asked,
        least(
            uniqExactIf(request_id, counts),
            uniqExactIf((session, category, toStartOfFiveMinutes(at)), counts)
        ) AS violations
    FROM filter_verdicts
    WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')} AND ({tenant:String} = '' OR tenant = {tenant:String})
        AND state NOT IN ('not_evaluated', 'filter_error') AND category NOT IN about_the_answer
        AND concat(tenant, '|', subject) NOT IN (SELECT key FROM ledger WHERE kind = 'decision')
    GROUP BY tenant, subject
)
GROUP BY tenant, requests, violations
ORDER BY tenant, requests, violations
