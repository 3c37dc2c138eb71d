"""Settings that cannot work are refused, and ClickHouse's errors become ours."""

from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from pydantic import ValidationError

from sql.errors import EmbeddedMissing, QueryFailed, StoreError, StoreUnavailable
from sql.settings import StoreSettings
from sql.store import Table, _server, _translated


@pytest.mark.parametrize(
    "fields",
    [
        {"database": "a`; DROP"},
        {"cluster": "a b"},
        {"path": "/x", "replicated": True},
        {"path": "/x", "cluster": "c"},
        {"key_file": "/k"},
        {"url": "not a url"},
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StoreSettings.model_validate(fields)


def test_the_password_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("secret\n")
    settings = StoreSettings(password_file=tmp_path / "p", ca_file=tmp_path / "ca.pem", url="https://ch:8443")
    options = _server(settings)
    assert (options["password"], options["ca_cert"]) == ("secret", str(tmp_path / "ca.pem"))
    assert "client_cert" not in options
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (OperationalError("no route"), StoreUnavailable),
        (DatabaseError("parts", code=252), StoreUnavailable),
        (DatabaseError("no table", code=60, name="UNKNOWN_TABLE"), QueryFailed),
        (ImportError("chdb"), EmbeddedMissing),
    ],
)
def test_errors_of_the_client_become_ours(raised: Exception, expected: type[StoreError]) -> None:
    with pytest.raises(expected), _translated():
        raise raised


def test_a_limit_is_the_readers_own_error() -> None:
    with pytest.raises(QueryFailed) as caught, _translated(frozenset()):
        raise DatabaseError("too slow", code=159, name="TIMEOUT_EXCEEDED")
    assert (caught.value.code, caught.value.name) == (159, "TIMEOUT_EXCEEDED")


def test_rows_can_be_read_by_name() -> None:
    assert Table(("a", "b"), [(1, 2)]).dicts() == [{"a": 1, "b": 2}]
