"""Whose rows a limited reader sees: a filter on every table, below joins, subqueries and views; it parses no SQL."""

import re
from collections.abc import Collection

from sql.errors import QueryRefused

TENANT_TABLES = (
    "request_logs", "filter_verdicts", "user_feedback", "provider_notices", "signals", "ledger", "shadow_ledger",
    "state_records",
    "verdicts_by_minute", "verdicts_by_hour", "verdicts_by_day",
    "requests_by_minute", "requests_by_hour", "requests_by_day",
    "dimensions_by_hour", "dimensions_by_day", "categories_by_hour",
)  # fmt: skip
"""Tables with a column `tenant`."""
VIEWS = (
    "verdicts_per_minute", "verdicts_per_hour", "verdicts_per_day",
    "requests_per_minute", "requests_per_hour", "requests_per_day",
    "enforcements", "appeals", "incidents", "books",
)  # fmt: skip
"""Views over tenant tables: the filters of their tables hold in them."""
COMMON_TABLES = ("dead_letters", "archive_batches", "epochs", "schema_migrations")
"""Tables about the installation; a reader limited to tenants sees no row of them."""
FEEDERS = (
    "mv_verdicts_by_minute", "mv_verdicts_by_hour", "mv_verdicts_by_day",
    "mv_requests_by_minute", "mv_requests_by_hour", "mv_requests_by_day",
    "mv_dimensions_by_hour", "mv_dimensions_by_day", "mv_categories_by_hour",
)  # fmt: skip
"""Materialized views. Reading one reads its target past the target's filter, so nobody reads them."""

_TENANT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def tenant_limits(database: str, tenants: Collection[str] | None) -> dict[str, object]:
    """ClickHouse settings that show only these tenants' rows; None limits nothing, no tenant shows nothing.

    The optimisation that may test a user's condition before the filter is switched off: an error it raises would tell
    that a row of another tenant exists. Raises QueryRefused for a name that is no tenant's.
    """
    if tenants is None:
        return {}
    if not all(_TENANT.fullmatch(tenant) for tenant in tenants):
        raise QueryRefused("a tenant's name is lower-case letters, digits, dot, dash and underscore")
    ours = f"tenant IN ({', '.join(repr(tenant) for tenant in sorted(tenants))})" if tenants else "0"
    filters = {f"{database}.{table}": ours for table in TENANT_TABLES}
    filters |= {f"{database}.{table}": "0" for table in (*COMMON_TABLES, *FEEDERS)}
    return {"additional_table_filters": filters, "optimize_move_to_prewhere": 0}
