"""The token book: what it takes, what it refuses, and whom it knows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_world import BOOK, SECRETS

from api.errors import TokenFileRefused
from api.tokens import Token, TokenBook, hash_of, new_token


def entry(**fields: Any) -> dict[str, Any]:
    return {"name": "ana", "sha256": hash_of("wf_a"), "scopes": ["analyst"], "tenants": ["contoso"]} | fields


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_new_token_has_256_random_bits_and_the_documented_shape() -> None:
    assert re.fullmatch(r"wf_[A-Za-z0-9_-]{43}", new_token())
    assert new_token() != new_token()


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump])
def test_a_token_file_may_be_yaml_or_json(tmp_path: Path, dump: Any) -> None:
    book = TokenBook.load(written(tmp_path / "tokens", dump([entry()])))
    found = book.find("wf_a")
    assert found is not None
    assert found.name == "ana"
    assert book.find("wf_b") is None


def test_an_empty_file_knows_nobody(tmp_path: Path) -> None:
    assert TokenBook.load(written(tmp_path / "tokens", "")).find("") is None


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o601])
def test_a_token_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(TokenFileRefused, match="chmod 600"):
        TokenBook.load(written(tmp_path / "tokens", "[]", mode))


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry(scopes=["owner"])], "0.scopes"),
        ([entry(scopes=[])], "0.scopes"),
        ([entry(tenants=[])], "0.tenants"),
        ([entry(tenants=["Contoso!"])], "0.tenants"),
        ([entry(sha256="wf_plain_text")], "0.sha256"),
        ([entry(secret="wf_a")], "0.secret"),
        ([entry(), entry(sha256=hash_of("wf_b"))], "share a name"),
        ([entry(), entry(name="bo")], "share a sha256"),
        ([entry(name="watchfloor")], "called"),
        ([entry(name="subject")], "called"),
        ({"ana": entry()}, "entry"),
    ],
)
def test_a_wrong_token_file_is_refused_with_its_place(tmp_path: Path, entries: Any, reason: str) -> None:
    with pytest.raises(TokenFileRefused, match=reason) as refused:
        TokenBook.load(written(tmp_path / "tokens", json.dumps(entries)))
    assert "wf_" not in str(refused.value)


@pytest.mark.parametrize("text", ["{", "\x00", "[1"])
def test_what_is_no_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TokenFileRefused, match="neither YAML nor JSON"):
        TokenBook.load(written(tmp_path / "tokens", text))


def test_a_missing_token_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenFileRefused, match="No such file"):
        TokenBook.load(tmp_path / "none")


def test_admin_implies_every_scope() -> None:
    token = Token.model_validate(entry(scopes=["admin"]))
    assert all(token.may([scope]) for scope in ("ingest", "gateway", "analyst", "reviewer", "admin"))


def test_a_scope_opens_only_its_own_doors() -> None:
    token = Token.model_validate(entry())
    assert token.may(["reviewer", "analyst"])
    assert token.may([])
    assert not token.may(["reviewer"])


def test_a_star_sees_every_tenant_and_a_name_only_its_own() -> None:
    star, named = Token.model_validate(entry(tenants=["*"])), Token.model_validate(entry())
    assert star.sees("fabrikam")
    assert star.only_tenant is None
    assert named.only_tenant == "contoso"
    assert not named.sees("fabrikam")
    assert Token.model_validate(entry(tenants=["a", "b"])).only_tenant is None


def test_no_secret_can_be_read_off_a_token() -> None:
    assert all(BOOK.find(secret) for secret in SECRETS.values())
    assert not any(secret in repr(BOOK.find(secret)) for secret in SECRETS.values())


def test_a_secret_of_broken_text_is_unknown_rather_than_an_error() -> None:
    assert BOOK.find("\udcff") is None
