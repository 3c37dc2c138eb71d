"""SQL from outside reads what its token may and nothing else, within limits, in any format."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sql_facts import BOB, count, fresh_store, new_archiver, raw, records, request, verdict, verdicts

from sql.batch import Batch
from sql.errors import QueryFailed, QueryRefused
from sql.readonly import Answer, Limits, Question, run_readonly
from sql.store import Store

pytestmark = pytest.mark.embedded
READONLY = 164
"""ClickHouse's own code for a setting that a reader may not change."""
LIMITS = Limits(seconds=2, result_rows=1_000, read_rows=1_000_000)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    for store in fresh_store(tmp_path_factory.mktemp("clickhouse")):
        archiver = new_archiver(store)
        archiver.store_batch(verdicts(verdict(f"r{n}:p:h", state="blocked") for n in range(10)))
        theirs = [verdict(f"r{n}:p:h", tenant="fabrikam", subject=BOB, state="blocked") for n in range(100)]
        archiver.store_batch(verdicts(theirs, partition=1))
        archiver.store_batch(Batch("request-logs", 0, records([request("r:log", tenant="fabrikam")])))
        archiver.store_batch(Batch("enforcements", 0, [raw(b"{}", 0, b"contoso|a"), raw(b"{}", 1, b"fabrikam|b")]))
        archiver.store_batch(Batch("observe-state", 0, [raw(b"secret", 0, b"s")]))
        store.command("CREATE TABLE elsewhere (tenant String) ENGINE = MergeTree ORDER BY tenant")
        yield store


def ask(store: Store, sql: str, *, tenants: list[str] | None = None, limits: Limits = LIMITS, **params: str) -> Answer:
    return run_readonly(store, Question(sql, params), limits=limits, tenants=tenants)


def seen(store: Store, sql: str, tenants: list[str] | None = None) -> str:
    return ask(store, sql, tenants=tenants).body.decode().strip()


ALL_ROWS = [
    ("SELECT count() FROM filter_verdicts", 10, 110),
    ("SELECT count() FROM {database}.filter_verdicts", 10, 110),
    ("SELECT count() FROM (SELECT * FROM filter_verdicts)", 10, 110),
    ("WITH x AS (SELECT * FROM filter_verdicts) SELECT count() FROM x", 10, 110),
    ("SELECT count() FROM filter_verdicts AS a JOIN filter_verdicts AS b USING (tenant, event_id)", 10, 110),
    ("SELECT count() FROM numbers(1) AS n CROSS JOIN filter_verdicts AS v", 10, 110),
    ("SELECT count() FROM (SELECT 1 FROM filter_verdicts UNION ALL SELECT 1 FROM filter_verdicts)", 20, 220),
    ("SELECT (SELECT count() FROM filter_verdicts)", 10, 110),
    ("SELECT count() FROM view(SELECT * FROM filter_verdicts)", 10, 110),
    ("SELECT sum(verdicts) FROM verdicts_by_minute", 10, 110),
    ("SELECT sum(verdicts) FROM verdicts_by_hour FINAL", 10, 110),
    ("SELECT sum(verdicts) FROM verdicts_per_day", 10, 110),
    ("SELECT count() FROM enforcements", 1, 2),
    ("SELECT count() FROM state_records", 1, 3),
    ("SELECT count() FROM request_logs", 0, 1),
    ("SELECT count() FROM archive_batches", 0, 5),
    ("SELECT 'fabrikam' IN (SELECT tenant FROM filter_verdicts)", 0, 1),
    ("SELECT uniqMerge(subjects) FROM verdicts_by_day", 1, 2),
    ("SELECT count() FROM filter_verdicts WHERE 1 OR tenant = 'fabrikam'", 10, 110),
    ("SELECT count() FROM filter_verdicts WHERE throwIf(tenant = 'nobody') = 0", 10, 110),
]


@pytest.mark.parametrize(("sql", "own", "everything"), ALL_ROWS)
def test_a_limited_reader_sees_its_own_rows_however_it_asks(store: Store, sql: str, own: int, everything: int) -> None:
    sql = sql.replace("{database}", store.settings.database)
    assert seen(store, sql, ["contoso"]) == str(own)
    assert seen(store, sql, []) in {"0", ""}
    assert seen(store, sql) == str(everything)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM filter_verdicts WHERE throwIf(tenant = 'fabrikam') = 0",
        "SELECT count() FROM filter_verdicts WHERE toUInt8OrZero(event_id) = 0 AND throwIf(subject LIKE 'k1.b%') = 0",
        "SELECT sum(throwIf(tenant = 'fabrikam')) FROM filter_verdicts",
        "SELECT count() FROM (SELECT * FROM filter_verdicts) WHERE throwIf(tenant = 'fabrikam') = 0",
        "SELECT count() FROM filter_verdicts AS a JOIN filter_verdicts AS b ON a.event_id = b.event_id "
        "WHERE throwIf(b.tenant = 'fabrikam') = 0",
        "SELECT count() FROM verdicts_by_minute WHERE throwIf(tenant = 'fabrikam') = 0",
    ],
)
def test_an_error_cannot_be_made_to_tell_of_other_tenants_rows(store: Store, sql: str) -> None:
    ask(store, sql, tenants=["contoso"])
    with pytest.raises(QueryFailed):
        ask(store, sql)


REFUSED_TO_ALL = [
    "INSERT INTO epochs VALUES (1, 1)",
    "INSERT INTO epochs SELECT 1, 1",
    "DROP TABLE epochs",
    "CREATE TABLE x (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE x (a Int8)",
    "ALTER TABLE epochs DELETE WHERE 1",
    "OPTIMIZE TABLE epochs",
    "TRUNCATE TABLE epochs",
    "KILL QUERY WHERE 1",
    "SET readonly = 0",
    "USE default",
    "SHOW PROCESSLIST",
    "SHOW CREATE DATABASE default",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "EXPLAIN SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT file('/etc/passwd')",
    "SELECT FILE('/etc/passwd')",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/a/b')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM mysql('127.0.0.1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM python('x')",
    "SELECT * FROM executable('x', 'TSV', 'a String')",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM merge('{database}', 'filter_verdicts')",
    "SELECT * FROM mergeTreeIndex('{database}', 'filter_verdicts')",
    "SELECT 1 IN merge('{database}', 'epochs')",
    "SELECT 1 IN url('http://127.0.0.1:1/', 'LineAsString')",
    "DESCRIBE TABLE url('http://127.0.0.1:1/', 'LineAsString')",
    "EXPLAIN SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT sum(verdicts) FROM mv_verdicts_by_hour",
    "SELECT sum(verdicts) FROM {database}.mv_verdicts_by_hour",
    "SELECT 'a' IN mv_verdicts_by_hour",
    "SELECT * FROM elsewhere",
    "SELECT 'a' IN elsewhere",
    "SELECT 'a' IN {database}.elsewhere",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.query_log",
    "SELECT 1 IN system.numbers_mt",
    "SELECT * FROM default.x",
    "SELECT * FROM `/etc/passwd`",
    "SELECT sleep(3)",
    "SELECT sleepEachRow(1) FROM numbers(3)",
    "SELECT dictGet('a', 'b', 1)",
    "SELECT joinGet('a', 'b', 1)",
    "SELECT aiGenerate('x')",
    "SELECT getClientHTTPHeader('Authorization')",
    "SELECT hostName()",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_threads = 1",
    "SELECT 1 FORMAT CSV SETTINGS max_execution_time = 3600",
    "SELECT count() FROM filter_verdicts SETTINGS additional_table_filters = {}",
    "SELECT count() FROM (SELECT 1 FROM filter_verdicts SETTINGS additional_table_filters = {})",
    "SELECT * FROM view(SELECT 1 FROM filter_verdicts SETTINGS additional_table_filters = {})",
    "WITH x AS (SELECT 1 SETTINGS max_result_rows = 0) SELECT * FROM x",
    "SELECT 1 IN (SELECT 1 SETTINGS max_result_rows = 0)",
    "EXPLAIN SELECT 1 SETTINGS max_threads = 1",
    "",
    "   ",
    "SELECT '" + "x" * 300_000 + "'",
]


@pytest.mark.parametrize("sql", REFUSED_TO_ALL)
def test_nobody_may(store: Store, sql: str) -> None:
    with pytest.raises((QueryRefused, QueryFailed)) as caught:
        ask(store, sql.replace("{database}", store.settings.database))
    assert isinstance(caught.value, QueryRefused) or caught.value.code == READONLY


@pytest.mark.parametrize(
    "sql",
    [
        "SYSTEM FLUSH LOGS",
        "SELECT 1; DROP TABLE epochs",
        "SELECT 1; SELECT 2",
        "SELECT 1 /* ; */; SELECT 2",
        "SELECT 1 --\n; SELECT 2",
        "SELECT",
        "/* only a comment */",
        "\x00",
        "SELECT " + "(" * 2_000 + "1" + ")" * 2_000,
        "SELECT * FROM nothing_here",
    ],
)
@pytest.mark.parametrize("tenants", [None, ["contoso"]], ids=["all", "limited"])
def test_clickhouse_itself_refuses(store: Store, sql: str, tenants: list[str] | None) -> None:
    with pytest.raises(QueryFailed):
        ask(store, sql, tenants=tenants)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM filter_verdicts PREWHERE throwIf(tenant = 'fabrikam') = 0",
        "SELECT count() FROM filter_verdicts\nprewhere 1",
        "EXPLAIN SELECT * FROM filter_verdicts",
        "SELECT total_rows FROM system.tables",
        "SELECT * FROM information_schema.tables",
        "SELECT count() FROM {table:Identifier}",
    ],
)
def test_only_readers_of_all_tenants_may(store: Store, sql: str) -> None:
    with pytest.raises(QueryRefused):
        ask(store, sql, tenants=["contoso"], table="mv_verdicts_by_hour")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT sum(cityHash64(number)) FROM numbers(10000000000)", {158, 159}),
        ("SELECT number FROM numbers(2000)", {396}),
        ("SELECT groupArray(number) FROM numbers(900000)", {241}),
    ],
)
def test_limits_hold(store: Store, sql: str, code: set[int]) -> None:
    with pytest.raises(QueryFailed) as caught:
        ask(store, sql, limits=LIMITS.model_copy(update={"memory_bytes": 4 << 20}))
    assert caught.value.code in code


def test_time_is_limited(store: Store) -> None:
    with pytest.raises(QueryFailed) as caught:
        ask(store, "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)",
            limits=Limits(seconds=0.3, read_rows=2**60))  # fmt: skip
    assert caught.value.code == 159


def test_nothing_was_written_by_any_of_it(store: Store) -> None:
    assert count(store, "epochs") == 0
    store.insert_rows("epochs", ("epoch", "begun_at"), rows=[(1, "2026-01-01")])
    assert count(store, "epochs") == 1, "the store itself still writes"
    store.command("TRUNCATE TABLE epochs")


@pytest.mark.parametrize(
    ("sql", "body"),
    [
        ("SELECT 1 AS a, 'x' AS b FORMAT JSONEachRow", b'{"a":1,"b":"x"}\n'),
        ("SELECT 1 AS a FORMAT CSVWithNames", b'"a"\n1\n'),
        ("SELECT 1 AS check FORMAT Native", b"\x01\x01\x05check\x05UInt8\x01"),
        ("SELECT 1 AS a, 2 AS b", b"1\t2\n"),
        ("-- a comment\nSELECT '; FORMAT CSV' # another", b"; FORMAT CSV\n"),
        ("SELECT 1;", b"1\n"),
        ("SELECT format FROM (SELECT 1 AS format) ORDER BY format DESC", b"1\n"),
        ("EXISTS TABLE filter_verdicts", b"1\n"),
        ("SELECT version() = version()", b"1\n"),
    ],
)
@pytest.mark.parametrize("tenants", [None, ["contoso"]], ids=["all", "limited"])
def test_formats_pass_through(store: Store, sql: str, body: bytes, tenants: list[str] | None) -> None:
    assert ask(store, sql, tenants=tenants).body == body


def test_the_default_format_is_the_askers(store: Store) -> None:
    answer = run_readonly(store, Question("SELECT 1 AS a", {}, "JSONEachRow"), limits=LIMITS, tenants=None)
    assert (answer.body, answer.format) == (b'{"a":1}\n', "JSONEachRow")
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["X-ClickHouse-Query-Id"] == answer.query_id
    with pytest.raises(QueryRefused):
        run_readonly(store, Question("SELECT 1", {}, "CSV SETTINGS x = 1"), limits=LIMITS, tenants=None)


def test_parameters_are_values_and_unused_ones_are_ignored(store: Store) -> None:
    answer = ask(store, "SELECT {text:String}, {list:Array(UInt8)}", text="it's; --", list="[1,2]", unused="%s")
    assert answer.body == b"it\\'s; --\t[1,2]\n"
    assert ask(store, "SELECT '100%s %(x)s'", x="1").body == b"100%s %(x)s\n"


def test_schemas_can_be_explored(store: Store) -> None:
    for sql in (
        "SHOW TABLES",
        "DESCRIBE filter_verdicts",
        "SHOW COLUMNS FROM filter_verdicts",
        "SHOW CREATE TABLE ledger",
    ):
        for tenants in (None, ["contoso"]):
            assert ask(store, sql, tenants=tenants).body
    assert b"filter_verdicts" in ask(store, "SELECT name FROM system.tables").body


def test_the_readers_folder_is_left_alone(store: Store, tmp_path: Path) -> None:
    with pytest.raises(QueryRefused):
        ask(store, f"SELECT 1 INTO OUTFILE '{tmp_path}/x'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("declared", "encoded", "answer"),
    [
        ("String", "it\\'s", b"it\\'s\n"),
        ("String", "a\\\\b", b"a\\\\b\n"),
        ("Array(String)", "['x', 'y']", b"['x','y']\n"),
        ("DateTime", "2026-01-01 00:00:00", b"2026-01-01 00:00:00\n"),
    ],
)
def test_parameters_are_taken_as_the_client_encoded_them(
    store: Store, declared: str, encoded: str, answer: bytes
) -> None:
    question = Question(f"SELECT {{given:{declared}}}", {"given": encoded})
    assert run_readonly(store, question, limits=Limits(), tenants=None).body == answer
