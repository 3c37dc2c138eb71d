"""Turns a migration file into statements: fills the engine, cluster and retention markers; it takes no other value."""

import re

from policy.policy import Retention
from sql.errors import BadMigration
from sql.settings import StoreSettings

_MARKER = re.compile(r"\{([^{}]*)\}")
_ENGINE = re.compile(r"^engine:((?:Replacing|Aggregating)?MergeTree)(\([a-z_]+\))?$")
_TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|`[^`]*`|\"[^\"]*\"|;|[^-/'`\";]+|.", re.DOTALL)


def render(name: str, text: str, *, settings: StoreSettings, retention: Retention) -> str:
    """Fill `{on_cluster}`, `{engine:…}` and `{ttl:…}`. Raises BadMigration for any other marker."""

    def fill(match: re.Match[str]) -> str:
        marker = match[1]
        if marker == "on_cluster":
            return f"ON CLUSTER `{settings.cluster}`" if settings.cluster else ""
        if marker.startswith("ttl:") and marker[4:] in Retention.model_fields:
            return interval(retention, marker[4:])
        engine = _ENGINE.match(marker)
        if engine is None:
            raise BadMigration(name, f"unknown marker {{{marker}}}")
        return ("Replicated" if settings.replicated else "") + engine[1] + (engine[2] or "")

    return _MARKER.sub(fill, text)


def interval(retention: Retention, field: str) -> str:
    """The SQL interval of one retention field, e.g. `toIntervalSecond(2592000)`."""
    return f"toIntervalSecond({int(getattr(retention, field).total_seconds())})"


def statements(text: str) -> list[str]:
    """Split at semicolons outside quotes and comments; comments are dropped, empty statements too.

    >>> statements("-- one; two\\nSELECT ';'; SELECT 2;")
    ["SELECT ';'", 'SELECT 2']
    """
    parts: list[str] = []
    current: list[str] = []
    for piece in _TOKEN.findall(text):
        if piece == ";":
            parts.append("".join(current))
            current = []
        elif not piece.startswith(("--", "/*")):
            current.append(piece)
    parts.append("".join(current))
    return [part.strip() for part in parts if part.strip()]
