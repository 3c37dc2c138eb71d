"""How much is stored in all, for the terminal display; the named queries answer everything finer."""

from dataclasses import dataclass

from sql.statement import statement
from sql.store import Store


@dataclass(frozen=True, slots=True)
class Totals:
    """Rows in ClickHouse now."""

    events: int = 0
    signals: int = 0
    decisions: int = 0
    incidents: int = 0


def totals(store: Store) -> Totals:
    """Count them. Raises StoreUnavailable."""
    (row,) = store.query(statement("totals")).rows
    return Totals(*map(int, row))
