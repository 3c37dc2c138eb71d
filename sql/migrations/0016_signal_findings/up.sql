-- Whom or what a signal is about, the filters behind it, and what explains it; empty for rows stored before.
ALTER TABLE signals {on_cluster}
    ADD COLUMN IF NOT EXISTS scope LowCardinality(String) AFTER subject,
    ADD COLUMN IF NOT EXISTS filters Array(LowCardinality(String)) AFTER stages,
    ADD COLUMN IF NOT EXISTS multiplier Nullable(Float64) AFTER since,
    ADD COLUMN IF NOT EXISTS multiplier_low Nullable(Float64) AFTER multiplier,
    ADD COLUMN IF NOT EXISTS multiplier_high Nullable(Float64) AFTER multiplier_low,
    ADD COLUMN IF NOT EXISTS attribution String AFTER multiplier_high;
