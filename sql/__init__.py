"""What is kept: ClickHouse migrations, rollups, queries, the archiver and the store."""
