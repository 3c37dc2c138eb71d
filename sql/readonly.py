"""Answers SQL from outside, read-only and within limits, in any ClickHouse format; it speaks no HTTP itself."""

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from sql.errors import QueryRefused
from sql.inspection import inspect, rules_for
from sql.isolation import tenant_limits
from sql.store import Store

_FORMAT = re.compile(r"[A-Za-z][A-Za-z0-9]{0,40}")
_ENDS_WITH_FORMAT = re.compile(r"\bFORMAT (\w+)(?: SETTINGS .*)?$")
_PARAMETER = re.compile(r"\{(\w+):")


class Limits(BaseModel):
    """How much one read-only query may take."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    seconds: float = Field(default=30, gt=0, le=3600)
    """Time for one query."""
    result_rows: int = Field(default=100_000, ge=1)
    """Rows of the answer; a longer one is refused."""
    result_bytes: int = Field(default=256 << 20, ge=1)
    """Bytes of the answer, before formatting."""
    read_rows: int = Field(default=2_000_000_000, ge=1)
    """Rows read from tables."""
    memory_bytes: int = Field(default=2 << 30, ge=1)
    """Memory of one query."""
    statement_bytes: int = Field(default=256 << 10, ge=1)
    """Length of the statement."""

    def settings(self) -> dict[str, object]:
        """The limits as ClickHouse settings."""
        return {
            "max_execution_time": self.seconds,
            "timeout_before_checking_execution_speed": 0,
            "max_result_rows": self.result_rows,
            "max_result_bytes": self.result_bytes,
            "result_overflow_mode": "throw",
            "max_rows_to_read": self.read_rows,
            "max_memory_usage": self.memory_bytes,
            "max_query_size": self.statement_bytes + 4096,
            "max_ast_depth": 300,
            "max_ast_elements": 20_000,
            "allow_introspection_functions": 0,
            "allow_ddl": 0,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer in the format asked for, and the headers that ClickHouse clients read."""

    body: bytes
    format: str
    seconds: float
    query_id: str

    @property
    def headers(self) -> dict[str, str]:
        """`X-ClickHouse-…` headers; the summary holds what is known here, as text numbers."""
        summary = {"elapsed_ns": str(int(self.seconds * 1e9)), "result_bytes": str(len(self.body))}
        return {
            "X-ClickHouse-Summary": json.dumps(summary),
            "X-ClickHouse-Query-Id": self.query_id,
            "X-ClickHouse-Format": self.format,
            "X-ClickHouse-Timezone": "UTC",
        }


@dataclass(frozen=True, slots=True)
class AsSent:
    """A parameter's text as an HTTP client encoded it; the driver escapes strings once more, but not this."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Question:
    """One statement from outside, with its parameters as HTTP encodes them, and the format when it names none."""

    sql: str
    params: Mapping[str, str]
    format: str = "TabSeparated"


def run_readonly(store: Store, question: Question, *, limits: Limits, tenants: Collection[str] | None) -> Answer:
    """Answer one statement; `tenants` are those whose rows the reader may see, None for all.

    Raises QueryRefused (nobody, or not this reader, may ask that), QueryFailed (ClickHouse's own error, limits
    included) and StoreUnavailable.
    """
    sql = question.sql.strip()
    if not sql or len(sql.encode()) > limits.statement_bytes:
        raise QueryRefused(f"a statement has 1 to {limits.statement_bytes} bytes")
    if not _FORMAT.fullmatch(question.format):
        raise QueryRefused("the format is not a name")
    database = store.settings.database
    fixed = {**limits.settings(), **tenant_limits(database, tenants)}
    started = time.monotonic()
    with store.read_only(fixed) as client:
        named = set(_PARAMETER.findall(sql))
        params = {name: AsSent(value) for name, value in question.params.items() if name in named}
        rules = rules_for(client, database, limited=tenants is not None)
        text = inspect(client, sql, rules=rules, params=params)
        found = _ENDS_WITH_FORMAT.search(text)
        form = found[1] if found else question.format
        body = client.raw_query(text if found else f"{text} FORMAT {form}", parameters=params or None)
    return Answer(body, form, time.monotonic() - started, str(uuid4()))
