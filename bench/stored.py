"""What ClickHouse holds after a run; as a process it asks an embedded one and prints the answer."""

import msgspec

from sql.query import run_query
from sql.settings import StoreSettings
from sql.store import open_store


class Stored(msgspec.Struct, frozen=True):
    """Counts of verdicts, and the number of rollup rows that differ from their raw rows."""

    raw: int
    distinct: int
    rolled: int
    differences: int

    def verdict(self, events: int) -> str:
        """In words, whether every event is there once, in the rollups too."""
        if self.raw == self.distinct == self.rolled == events and not self.differences:
            return f"raw = rollup = {self.raw:,}"
        return f"wrong: {self.raw:,} rows, {self.distinct:,} distinct, {self.rolled:,} rolled up, of {events:,}"


def main() -> None:
    """`python -m bench.stored` prints one Stored as JSON; where ClickHouse is says WATCHFLOOR_CLICKHOUSE_PATH."""
    store = open_store(StoreSettings())
    raw, distinct = store.query("SELECT count(), uniqExact(event_id) FROM filter_verdicts").rows[0]
    rolled = store.query("SELECT sum(verdicts) FROM verdicts_by_minute").rows[0][0]
    print(msgspec.json.encode(Stored(raw, distinct, rolled, len(run_query(store, "reconciliation").rows))).decode())
    store.close()


if __name__ == "__main__":
    main()
