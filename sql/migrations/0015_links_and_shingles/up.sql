-- What tells linked accounts and variations of a prompt, as keyed hashes; empty for rows stored before.
ALTER TABLE request_logs {on_cluster}
    ADD COLUMN IF NOT EXISTS prompt_shingles Array(UInt32) AFTER prompt_hash,
    ADD COLUMN IF NOT EXISTS links Array(LowCardinality(String)) AFTER prompt_shingles;
ALTER TABLE filter_verdicts {on_cluster}
    ADD COLUMN IF NOT EXISTS prompt_shingles Array(UInt32) AFTER prompt_hash,
    ADD COLUMN IF NOT EXISTS links Array(LowCardinality(String)) AFTER prompt_shingles;
ALTER TABLE user_feedback {on_cluster}
    ADD COLUMN IF NOT EXISTS prompt_shingles Array(UInt32) AFTER prompt_hash,
    ADD COLUMN IF NOT EXISTS links Array(LowCardinality(String)) AFTER prompt_shingles;
