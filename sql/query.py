"""The named queries: what analysts need on day one, each in a file of its own; it takes no SQL from outside."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from sql.errors import BadParameter, QueryFailed, UnknownQuery
from sql.isolation import tenant_limits
from sql.store import Store, Table

Value = str | int | float | datetime

_HEADER = re.compile(r"^-- (Question|Tables|Cost|Defaults): (.*)$", re.MULTILINE)
_PARAMETER = re.compile(r"\{(\w+):([^}]+)\}")
_UNREADABLE_VALUE = frozenset({27, 38, 41, 53, 69, 72, 456, 457, 6, 407})
"""ClickHouse's codes for a parameter that cannot be read as its type."""


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One query: its name, the question that it answers, and parameters with their types and defaults."""

    name: str
    question: str
    tables: str
    cost: str
    parameters: Mapping[str, str]
    """Name → ClickHouse type."""
    defaults: Mapping[str, str]
    """Name → value as text; every parameter has one."""
    sql: str


@cache
def named_queries() -> Mapping[str, NamedQuery]:
    """Every named query by name, in alphabetical order."""
    folder = files("sql").joinpath("queries")
    texts = {file.name.removesuffix(".sql"): file.read_text("utf-8") for file in folder.iterdir()}
    return {name: _parse(name, texts[name]) for name in sorted(texts)}


def run_query(
    store: Store, name: str, params: Mapping[str, Value] | None = None, *, tenants: Collection[str] | None = None
) -> Table:
    """Answer a named query; what `params` leaves out has its default, `tenants` limits the rows (None: all).

    Times are aware datetimes or `YYYY-MM-DD hh:mm:ss` in UTC.
    Raises UnknownQuery, BadParameter, StoreUnavailable, QueryFailed.
    """
    query = named_queries().get(name)
    if query is None:
        raise UnknownQuery(name)
    texts = dict(query.defaults)
    for key, value in (params or {}).items():
        if key not in query.parameters:
            raise BadParameter(name, key, "does not exist")
        texts[key] = _text(name, key, value)
    limits = {**tenant_limits(store.settings.database, tenants), "join_use_nulls": 1, "readonly": 2}
    try:
        table = store.query(query.sql, texts, settings=limits)
        return table if table.rows else Table(store.columns(query.sql, texts, settings=limits), [])
    except QueryFailed as error:
        if error.code in _UNREADABLE_VALUE:
            raise BadParameter(name, ", ".join(params or {}), "has a value that does not fit its type") from error
        raise


def _text(query: str, key: str, value: Value) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise BadParameter(query, key, "needs a time zone")
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def _parse(name: str, text: str) -> NamedQuery:
    header = dict(_HEADER.findall(text))
    defaults = dict(pair.strip().split("=", 1) for pair in header["Defaults"].split(";"))
    return NamedQuery(
        name=name,
        question=header["Question"],
        tables=header["Tables"],
        cost=header["Cost"],
        parameters=dict(_PARAMETER.findall(text)),
        defaults=defaults,
        sql=text,
    )
