"""The HTTP routes, one module per resource; they parse, call one function and return."""

from api.routes import (
    alerts,
    appeals,
    commands,
    decisions,
    enforcement,
    health,
    incidents,
    ingest,
    queries,
    sql,
    status,
)

ROUTERS = (
    health.router,
    ingest.router,
    enforcement.router,
    alerts.router,
    decisions.router,
    appeals.router,
    incidents.router,
    commands.router,
    sql.router,
    queries.router,
    status.router,
)
