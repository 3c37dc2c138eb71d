-- Question: What was decided under this id?
-- Tables: ledger
-- Cost: one scan of the ledger's ids; the decision is usually in memory, and this is not asked
SELECT detail FROM ledger WHERE kind = 'decision' AND about = {id:String} LIMIT 1
