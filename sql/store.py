"""The one connection to ClickHouse, embedded or a server, with the same code; it knows no table of ours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import clickhouse_connect
import msgspec
import pyarrow as pa
from clickhouse_connect.driver.exceptions import Error, OperationalError

from sql.errors import EmbeddedMissing, QueryFailed, StoreUnavailable
from sql.lost_parts import forget_lost_parts
from sql.settings import StoreSettings
from sql.statement import statement

Settings = Mapping[str, object]

_FOR_NOW = frozenset({159, 202, 209, 210, 241, 242, 243, 252, 279, 285, 319, 394, 425, 439, 999})
"""Codes of ClickHouse that pass by themselves: timeouts, memory, a full disk, too many parts or queries, no leader."""
_LIMITS_REACHED = frozenset({159, 241})
"""Codes that mean "wait" to a writer and "ask for less" to a reader."""
_ONE_BLOCK: Settings = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "async_insert": 0,
    "max_insert_block_size": 1 << 22,
    "min_insert_block_size_rows": 1 << 22,
    "min_insert_block_size_bytes": 1 << 32,
    "max_insert_threads": 1,
    "input_format_parallel_parsing": 0,
}
"""An insert becomes one block and so one part: all of it is stored, or nothing."""
_LINES = msgspec.json.Encoder()
_LINE_FORMAT = "JSONCompactEachRow"


@dataclass(frozen=True, slots=True)
class Table:
    """The answer to a query: column names, and rows as tuples in their order; times are aware, in UTC."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """Rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Store:
    """An open ClickHouse. Calls block; call them through `asyncio.to_thread`. Safe for several threads.

    Reads and writes have a connection each, so that a long query does not hold the archiver up.
    Everything raises StoreUnavailable when trying again may help, and QueryFailed when it will not.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        if settings.path:
            forget_lost_parts(settings.path)
        with _translated():
            self._reader = _connect(settings)
            self._writer = _connect(settings)

    def query(self, sql: str, params: Mapping[str, object] | None = None, *, settings: Settings | None = None) -> Table:
        """Ask one question; `params` are server-side (`{name:Type}`), texts come back as str."""
        with _translated():
            result = self._reader.query(sql, parameters=dict(params or {}), settings=dict(settings or {}))
        return Table(tuple(result.column_names), list(result.result_rows))

    def columns(self, sql: str, params: Mapping[str, object], *, settings: Settings) -> tuple[str, ...]:
        """The columns that a query answers, which an empty answer does not tell."""
        return tuple(row[0] for row in self.query(f"DESCRIBE TABLE ({sql})", params, settings=settings).rows)

    def query_bytes(self, sql: str, params: Mapping[str, object] | None = None) -> Table:
        """Like `query`, with texts as bytes: for columns that hold anything but UTF-8."""
        with _translated():
            result = self._reader.query(sql, parameters=dict(params or {}), query_formats={"String": "bytes"})
        return Table(tuple(result.column_names), list(result.result_rows))

    def command(
        self, sql: str, params: Mapping[str, object] | None = None, *, settings: Settings | None = None
    ) -> None:
        """Carry out one statement that answers nothing."""
        with _translated():
            self._writer.command(sql, parameters=dict(params or {}), settings=dict(settings or {}))

    def insert_again(self, table: str, sql: str, *, params: Mapping[str, object], token: str) -> None:
        """Insert what a query over all columns of `table` answers, under a `token` that may have been seen before.

        The rows come here and go back: an `INSERT … SELECT` cuts its blocks in ways that tokens do not survive.
        """
        with _translated():
            rows = self._reader.raw_query(sql, parameters=dict(params), fmt=_LINE_FORMAT)
            self._writer.raw_insert(table, None, rows, settings=self._line_settings(token), fmt=_LINE_FORMAT)

    def create_database(self) -> None:
        """Create the database of the settings; does nothing when it exists."""
        cluster = f" ON CLUSTER `{self.settings.cluster}`" if self.settings.cluster else ""
        with _translated():
            self._writer.command(
                f"CREATE DATABASE IF NOT EXISTS `{self.settings.database}`{cluster}", use_database=False
            )

    def insert_columns(
        self, table: str, names: Sequence[str], *, columns: Sequence[Sequence[object]], token: str = ""
    ) -> None:
        """Insert columns of equal length as one block; a `token` seen before makes it a no-op, in the rollups too."""
        with _translated():
            self._writer.insert(
                table, columns, column_names=names, column_oriented=True, settings=self._insert_settings(token)
            )

    def insert_table(self, table: str, rows: pa.Table, *, token: str = "") -> None:
        """Like `insert_columns` for an Arrow table: the fast way. Columns left out, and nulls, become the default."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        sent = sink.getvalue().to_pybytes()
        with _translated():
            self._writer.raw_insert(
                table, rows.column_names, sent, settings=self._line_settings(token), fmt="ArrowStream"
            )

    def put_back(self, table: str, rows: pa.Table) -> None:
        """Insert rows that were lost: past the tokens that know them, and past the views that have had them.

        They are stored beside `table` and attached to it: all at once where they are of one partition of the table.
        """
        beside, database = f"{table}_put_back", self.settings.database
        self.command(f"DROP TABLE IF EXISTS `{beside}` SYNC")
        self.command(f"CREATE TABLE `{beside}` AS `{table}`")
        self.insert_table(beside, rows)
        parts = {"database": database, "table": beside}
        for (name,) in self.query(statement("partitions"), parts).rows:
            self.command(f"ALTER TABLE `{table}` ATTACH PARTITION ID '{name}' FROM `{beside}`")
        self.command(f"DROP TABLE `{beside}` SYNC")

    def insert_rows(
        self, table: str, names: Sequence[str], *, rows: Iterable[Sequence[object]], token: str = ""
    ) -> None:
        """Like `insert_columns` for rows of text, numbers, datetimes, None and lists; None becomes the default.

        Rows travel as lines of JSON and ClickHouse does the typing: 5 µs a verdict instead of 9. No bytes.
        """
        lines = _LINES.encode_lines(rows)
        with _translated():
            self._writer.raw_insert(table, names, lines, settings=self._line_settings(token), fmt=_LINE_FORMAT)

    def _insert_settings(self, token: str) -> dict[str, object]:
        tokens = {"insert_deduplication_token": token} if token else {}
        return {**_ONE_BLOCK, "min_free_disk_bytes_to_perform_insert": self.settings.free_bytes, **tokens}

    def _line_settings(self, token: str) -> dict[str, object]:
        more = {"date_time_input_format": "best_effort", "input_format_null_as_default": 1}
        return self._insert_settings(token) | more

    @contextmanager
    def read_only(self, limits: Settings) -> Iterator[Any]:
        """A ClickHouse client that can write nothing and cannot change its `limits`; closed after the block."""
        with _translated(_FOR_NOW - _LIMITS_REACHED):
            client = _connect(self.settings, limits)
            try:
                yield client
            finally:
                client.close()

    def ping(self) -> bool:
        """Whether ClickHouse answers."""
        return bool(self._reader.ping())

    def close(self) -> None:
        """Close both connections. The embedded engine lets go of its folder."""
        self._reader.close()
        self._writer.close()


def open_store(settings: StoreSettings) -> Store:
    """Connect. Raises StoreUnavailable when no server answers, EmbeddedMissing when the extra is not installed."""
    return Store(settings)


def _connect(settings: StoreSettings, limits: Settings | None = None) -> Any:
    fixed: dict[str, object] = {**limits, "readonly": 1} if limits is not None else {}
    options = {"settings": fixed, "tz_mode": "aware"} | (_embedded(settings) if settings.path else _server(settings))
    client = clickhouse_connect.get_client(**options)
    client.database = settings.database
    return client


def _embedded(settings: StoreSettings) -> dict[str, Any]:
    return {"interface": "chdb", "path": str(settings.path)}


def _server(settings: StoreSettings) -> dict[str, Any]:
    files = {"ca_cert": settings.ca_file, "client_cert": settings.cert_file, "client_cert_key": settings.key_file}
    return {
        "dsn": str(settings.url),
        "username": settings.user,
        "password": settings.password(),
        "connect_timeout": settings.connect_seconds,
        "send_receive_timeout": settings.answer_seconds,
        "autogenerate_session_id": False,
    } | {name: str(file) for name, file in files.items() if file}


@contextmanager
def _translated(for_now: frozenset[int] = _FOR_NOW) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise EmbeddedMissing from error
    except Error as error:
        code, message = error.code or 0, str(error)
        if code in for_now or (code == 0 and isinstance(error, OperationalError)):
            raise StoreUnavailable(error.name or message.partition("\n")[0][:200]) from error
        raise QueryFailed(code, error.name or "unknown", message) from error
