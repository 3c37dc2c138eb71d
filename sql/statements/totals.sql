-- Question: How much is stored in all, and what was concluded from it?
-- Tables: every raw table, signals, ledger
-- Cost: row counts from metadata; one column of the ledger
SELECT
    (SELECT count() FROM request_logs) + (SELECT count() FROM filter_verdicts)
        + (SELECT count() FROM user_feedback) + (SELECT count() FROM provider_notices) AS events,
    (SELECT count() FROM signals) AS signals,
    (SELECT countIf(kind = 'decision') FROM ledger) AS decisions,
    (SELECT countIf(kind = 'incident_opened') FROM ledger) AS incidents
