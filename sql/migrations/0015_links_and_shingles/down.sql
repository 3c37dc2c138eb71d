ALTER TABLE request_logs {on_cluster}
    DROP COLUMN IF EXISTS prompt_shingles,
    DROP COLUMN IF EXISTS links;
ALTER TABLE filter_verdicts {on_cluster}
    DROP COLUMN IF EXISTS prompt_shingles,
    DROP COLUMN IF EXISTS links;
ALTER TABLE user_feedback {on_cluster}
    DROP COLUMN IF EXISTS prompt_shingles,
    DROP COLUMN IF EXISTS links;
