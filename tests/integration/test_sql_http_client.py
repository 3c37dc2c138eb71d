"""clickhouse_connect works against the read-only core behind plain HTTP, as it does against a ClickHouse server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from sql_facts import NOON, fresh_store, new_archiver, verdict, verdicts

from sql.errors import QueryFailed, QueryRefused, StoreUnavailable
from sql.readonly import Limits, Question, run_readonly
from sql.settings import StoreSettings
from sql.store import Store, open_store

pytestmark = pytest.mark.embedded


class Endpoint(BaseHTTPRequestHandler):
    """The least that an HTTP server has to do around `run_readonly`."""

    store: Store
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        parameters = dict(parse_qsl(urlsplit(self.path).query))
        sql = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        params = {name.removeprefix("param_"): text for name, text in parameters.items()}
        question = Question("\n".join(filter(None, (parameters.get("query"), sql))), params)
        try:
            answer = run_readonly(self.store, question, limits=Limits(), tenants=["contoso"])
        except QueryRefused as error:
            self._send(403, str(error).encode(), {"X-ClickHouse-Exception-Code": str(error.code)})
        except QueryFailed as error:
            self._send(400, error.message.encode(), {"X-ClickHouse-Exception-Code": str(error.code)})
        else:
            self._send(200, answer.body, answer.headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    for store in fresh_store(tmp_path_factory.mktemp("clickhouse")):
        sent = [verdict(f"r{n}:p:h", tenant=("contoso", "fabrikam")[n % 2], score=n / 4) for n in range(4)]
        new_archiver(store).store_batch(verdicts(sent))
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Endpoint,), {"store": store}))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = clickhouse_connect.get_client(host="127.0.0.1", port=server.server_address[1], compress=False)
        yield client
        client.close()
        server.shutdown()
        server.server_close()


def test_the_store_speaks_to_a_server_with_the_same_code(client: Any) -> None:
    remote = open_store(StoreSettings(url=client.url))
    try:
        assert remote.query("SELECT count(), max(at) FROM filter_verdicts").rows == [(2, NOON)]
        with pytest.raises(QueryFailed) as caught:
            remote.command("TRUNCATE TABLE filter_verdicts")
        assert caught.value.code == QueryRefused.code
    finally:
        remote.close()


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        open_store(StoreSettings(url="http://127.0.0.1:1", connect_seconds=1))


def test_it_connects_and_reads_typed_rows(client: Any) -> None:
    result = client.query("SELECT event_id, score, severity, at FROM filter_verdicts ORDER BY event_id")
    assert result.column_names == ("event_id", "score", "severity", "at")
    assert [row[:3] for row in result.result_rows] == [("r0:p:h", 0.0, None), ("r2:p:h", 0.5, None)]
    assert result.summary["query_id"]


def test_parameters_are_bound_on_the_server(client: Any) -> None:
    result = client.query(
        "SELECT count() FROM filter_verdicts WHERE event_id = {id:String}", parameters={"id": "r2:p:h"}
    )
    assert result.result_rows == [(1,)]


def test_commands_and_raw_formats_work(client: Any) -> None:
    assert client.command("SELECT count() FROM filter_verdicts") == 2
    assert client.raw_query("SELECT 1 AS a", fmt="JSONEachRow") == b'{"a":1}\n'


def test_an_empty_answer_and_a_columns_only_probe_work(client: Any) -> None:
    assert client.query("SELECT event_id FROM filter_verdicts WHERE 0").result_rows == []
    assert client.query("SELECT event_id FROM filter_verdicts LIMIT 0").column_names == ("event_id",)


@pytest.mark.parametrize(
    ("sql", "code"),
    [("SELECT * FROM nothing", 60), ("SELECT * FROM system.processes", 497), ("DROP TABLE ledger", 497)],
)
def test_errors_arrive_with_clickhouses_codes(client: Any, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query(sql)
    assert caught.value.code == code
