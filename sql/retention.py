"""Brings the tables' retention to the policy's when it has changed; the first values come with the migrations."""

import re

from policy.policy import Retention
from sql.migration import migrations
from sql.store import Store
from sql.template import interval, statements

_TTL = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+).*\nTTL (.+) \+ \{ttl:(\w+)\}", re.DOTALL)


def kept_tables() -> dict[str, tuple[str, str]]:
    """Table → (the column that its retention counts from, the policy's field), as the migrations say."""
    texts = (statement for one in migrations() for statement in statements(one.up))
    return {match[1]: (match[2], match[3]) for match in map(_TTL.match, texts) if match}


def apply_retention(store: Store, retention: Retention) -> list[str]:
    """Alter the tables whose retention differs from the policy's and return their names; rows go at the next merge."""
    found = store.query(
        "SELECT name, engine_full FROM system.tables WHERE database = {database:String}",
        {"database": store.settings.database},
    )
    engines = dict(found.rows)
    cluster = f" ON CLUSTER `{store.settings.cluster}`" if store.settings.cluster else ""
    changed = []
    for table, (column, field) in kept_tables().items():
        wanted = interval(retention, field)
        if wanted not in engines.get(table, wanted):
            store.command(
                f"ALTER TABLE {table}{cluster} MODIFY TTL {column} + {wanted}",
                settings={"materialize_ttl_after_modify": 0},
            )
            changed.append(table)
    return changed
