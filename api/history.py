"""The API's History port over the store: alerts and decisions that have left memory."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from alerts.decision import Decision
from alerts.ledger import LedgerEntry
from alerts.signal import Signal
from api.alert_feed import Alert, AlertFilter, from_entry, from_signal, ledger_kinds
from api.errors import StoreUnavailable
from api.page import Place
from sql.errors import StoreError
from sql.isolation import tenant_limits
from sql.store import Store

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = ("count", "requests", "share", "gravity", "intent")
_EXPECTATION = ("expected", "seen", "since")


class StoreHistory:
    """Reads the ledger and the signals of ClickHouse in threads, with the SQL in api/statements."""

    def __init__(self, store: Store) -> None:
        self._store = store
        folder = files("api") / "statements"
        names = ("decision", "older_entries", "older_signals")
        self._sql = {name: (folder / f"{name}.sql").read_text("utf-8") for name in names}

    async def alerts(self, wanted: AlertFilter, *, before: Place, limit: int) -> Sequence[Alert]:
        """Alerts older than a place, newest first. Raises StoreUnavailable."""
        params = {
            "at": _spell(before.at),
            "id": before.key,
            "since": _spell(wanted.since or _EPOCH),
            "detector": wanted.detector or "",
            "level": wanted.level or "",
            "limit": limit,
            "kinds": ",".join(ledger_kinds(wanted.kind)),
        }
        found: list[Alert] = []
        if wanted.kind != "signal":
            found += [_entry(row) for row in await self._rows("older_entries", params, wanted.tenants)]
        if wanted.kind in (None, "signal"):
            del params["kinds"]
            found += [_signal(row) for row in await self._rows("older_signals", params, wanted.tenants)]
        return sorted(found, key=lambda alert: alert.place, reverse=True)[:limit]

    async def decision(self, decision_id: str) -> Decision | None:
        """A decision by id. Raises StoreUnavailable."""
        rows = await self._rows("decision", {"id": decision_id}, None)
        return Decision.model_validate_json(rows[0]["detail"]) if rows else None

    async def _rows(
        self, name: str, params: Mapping[str, object], tenants: frozenset[str] | None
    ) -> list[dict[str, Any]]:
        limits = tenant_limits(self._store.settings.database, tenants)
        with _translated():
            table = await asyncio.to_thread(self._store.query, self._sql[name], params, settings=limits)
        return table.dicts()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise StoreUnavailable from error


def _spell(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}"


def _entry(row: dict[str, Any]) -> Alert:
    alert = from_entry(LedgerEntry.model_validate(row | {"detail": json.loads(row["detail"])}))
    assert alert is not None, "the statement asks for kinds of the feed only"  # noqa: S101
    return alert


def _signal(row: dict[str, Any]) -> Alert:
    known = {name: value for name, value in row.items() if value not in (None, "")}
    statistic = {part: row[f"statistic_{part}"] for part in ("name", "value", "threshold")}
    whole = {"statistic": statistic, "numbers": _part(known, _NUMBERS), "expectation": _part(known, _EXPECTATION)}
    return from_signal(Signal.model_validate(known | whole))


def _part(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    found = {name: row[name] for name in names if name in row}
    return found if len(found) == len(names) else None
