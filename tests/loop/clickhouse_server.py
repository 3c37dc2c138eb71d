"""ClickHouse as a server of one's own: the embedded engine behind its HTTP interface, in a process that may be killed.

It knows what the project sends: queries with parameters, settings, inserts with their data. No users, no sessions.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import chdb
import httpx
import lz4.frame
from loop.waiting import until
from pydantic import HttpUrl

from broker.child import end_with_parent
from sql.lost_parts import forget_lost_parts
from sql.settings import StoreSettings

_FORMAT_AND_DATA = re.compile(rb"\s*(INSERT INTO .+?) FORMAT (\w+)\s*", re.DOTALL)
_ERROR_CODE = re.compile(r"Code: (\d+)")
_NOT_SETTINGS = frozenset(
    {"query", "database", "query_id", "session_id", "client_protocol_version", "wait_end_of_query", "compress",
     "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression", "buffer_size"}
)  # fmt: skip


class ClickHouseServer:
    """One server with its own folder, on a port that it keeps. As a context it is running, and killed at the end."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log = folder, log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.settings = StoreSettings(url=HttpUrl(f"http://127.0.0.1:{self._port}"), answer_seconds=10)
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, on what it stored before if there is any, and do not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "loop.clickhouse_server", str(self.folder), str(self._port)],
                cwd=Path(__file__).parents[1],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent(),
            )

    async def serves(self) -> None:
        """Wait until it answers."""
        await until(self._answers, "ClickHouse answers")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.settings.url}ping", timeout=5).is_success
        except httpx.TransportError:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.launch()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Interface(BaseHTTPRequestHandler):
    """Each request has a connection of its own to the engine, so that settings end with it."""

    path_of_engine: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(200, b"Ok.\n")

    def do_POST(self) -> None:
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._body()
        connection = chdb.connect(self.path_of_engine)
        try:
            if database := parameters.get("database"):
                connection.query(f"USE `{database}`")
            for name in parameters.keys() - _NOT_SETTINGS:
                if not name.startswith("param_"):
                    connection.query(f"SET {name} = {_quoted(parameters[name])}")
            with _statement(parameters.get("query", "").encode(), body) as sql:
                bound = {name[6:]: text for name, text in parameters.items() if name.startswith("param_")}
                answer = connection.query(sql, "TabSeparated", params=bound).bytes()
        except RuntimeError as error:
            code = _ERROR_CODE.search(str(error))
            self._send(500, str(error).encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "1002"})
        else:
            self._send(200, answer, {"X-ClickHouse-Timezone": "UTC"})
        finally:
            connection.close()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return lz4.frame.decompress(body) if self.headers.get("Content-Encoding") == "lz4" else body

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@contextlib.contextmanager
def _statement(query: bytes, body: bytes) -> Iterator[str]:
    """What the engine is asked; the data of an insert goes through a file, as the engine wants it."""
    whole = query + b"\n" + body if query else body
    insert = _FORMAT_AND_DATA.match(whole)
    if insert is None:
        yield whole.decode()
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(whole[insert.end() :])
        file.flush()
        yield f"{insert[1].decode()} FROM INFILE {_quoted(file.name)} FORMAT {insert[2].decode()}"


def main(folder: str, port: str) -> None:
    """Serve until killed; of an insert that was under way that leaves what it leaves of replicated tables."""
    forget_lost_parts(Path(folder))
    first = chdb.connect(folder)
    interface = type("Bound", (Interface,), {"path_of_engine": folder})
    with contextlib.closing(first), ThreadingHTTPServer(("127.0.0.1", int(port)), interface) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
