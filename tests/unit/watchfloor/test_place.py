import json
import stat
from pathlib import Path

import pytest

from api.tokens import TokenBook
from events.pseudonym import load_keys
from watchfloor.errors import NothingRunning
from watchfloor.place import Place, target


def test_a_place_is_closed_to_others_and_usable(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    place.prepare()
    assert stat.S_IMODE(place.root.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (place.keys, place.tokens, place.token))
    token = TokenBook.load(place.tokens).find(place.token.read_text("utf-8"))
    assert token is not None
    assert token.may(["admin"])
    assert list(load_keys(place.keys)) == ["k1"]


def test_preparing_again_changes_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    before = {path: path.read_bytes() for path in (place.keys, place.tokens, place.token)}
    place.prepare()
    assert before == {path: path.read_bytes() for path in before}


def test_the_running_api_is_found_and_forgotten(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    place.answers_at("http://127.0.0.1:1/")
    assert target(tmp_path, None, None).url == "http://127.0.0.1:1"
    assert target(tmp_path, "http://other", None).url == "http://other"
    place.forget_address()
    with pytest.raises(NothingRunning):
        target(tmp_path, None, None)


def test_an_address_given_needs_a_token(tmp_path: Path) -> None:
    with pytest.raises(NothingRunning):
        target(tmp_path, "http://127.0.0.1:1", None)
    secret = tmp_path / "secret"
    secret.write_text("wf_x\n", "utf-8")
    assert target(tmp_path, "http://127.0.0.1:1", secret).token == "wf_x"


def test_the_address_holds_no_secret(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    place.answers_at("http://127.0.0.1:1")
    assert place.token.read_text("utf-8") not in json.dumps(json.loads(place.address.read_text("utf-8")))
