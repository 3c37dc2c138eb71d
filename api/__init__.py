"""HTTP: ingest, enforcement, alerts, appeals, incidents and SQL."""
