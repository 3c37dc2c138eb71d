ALTER TABLE signals {on_cluster}
    DROP COLUMN IF EXISTS scope,
    DROP COLUMN IF EXISTS filters,
    DROP COLUMN IF EXISTS multiplier,
    DROP COLUMN IF EXISTS multiplier_low,
    DROP COLUMN IF EXISTS multiplier_high,
    DROP COLUMN IF EXISTS attribution;
