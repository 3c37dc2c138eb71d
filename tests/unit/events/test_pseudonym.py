import base64
import hmac
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import KeysError
from events.pseudonym import Kind, Pseudonymiser, load_keys, new_key

OLD, NEW = bytes(range(32)), bytes(range(100, 140))
BEFORE = Pseudonymiser({"k1": OLD})
AFTER = Pseudonymiser({"k2": NEW, "k1": OLD})


@given(st.text(st.characters()), st.text(st.characters()))
def test_a_pseudonym_has_the_shape_of_the_contract(tenant: str, raw: str) -> None:
    assert re.fullmatch(r"k1\.[a-z2-7]{26}", BEFORE.pseudonym(tenant, "subject", raw))


@given(st.text(), st.text())
def test_a_pseudonym_is_the_base32_of_a_keyed_hash(tenant: str, raw: str) -> None:
    parts = [part.encode() for part in (tenant, "subject", raw)]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    known = base64.b32encode(hmac.digest(OLD, message, "sha256")).decode().lower()
    assert BEFORE.pseudonym(tenant, "subject", raw) == f"k1.{known[:26]}"


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_only_equal_tenant_and_identifier_give_equal_pseudonyms(one: tuple[str, str], other: tuple[str, str]) -> None:
    same = BEFORE.pseudonym(one[0], "subject", one[1]) == BEFORE.pseudonym(other[0], "subject", other[1])
    assert same == (one == other)


def test_moving_a_letter_from_tenant_to_identifier_gives_another_pseudonym() -> None:
    assert BEFORE.pseudonym("acme", "subject", "xjane") != BEFORE.pseudonym("acmex", "subject", "jane")


@pytest.mark.parametrize("kind", ["session", "api_key", "prompt"])
def test_the_same_text_is_another_pseudonym_as_another_kind(kind: Kind) -> None:
    assert BEFORE.pseudonym("acme", kind, "jane") != BEFORE.pseudonym("acme", "subject", "jane")


def test_pseudonyms_stay_what_they_were_from_release_to_release() -> None:
    assert BEFORE.pseudonym("acme", "subject", "jane") == "k1.gyeeeietltw6dy5kwelmvssrdr"


def test_the_first_key_is_the_current_one() -> None:
    assert AFTER.pseudonym("acme", "subject", "jane").startswith("k2.")


def test_candidates_reach_what_was_stored_before_a_rotation() -> None:
    stored = BEFORE.pseudonym("acme", "subject", "jane")
    assert AFTER.candidates("acme", "subject", "jane") == (AFTER.pseudonym("acme", "subject", "jane"), stored)


@pytest.mark.parametrize(
    ("keys", "key_id", "reason"),
    [
        ({}, "", "no_keys"),
        ({"K1": OLD}, "K1", "bad_key_id"),
        ({"": OLD}, "", "bad_key_id"),
        ({"toolongid": OLD}, "toolongid", "bad_key_id"),
        ({"k1": OLD, "k2": NEW[:31]}, "k2", "too_short"),
        ({"k1": b"changeme" * 4}, "k1", "predictable"),
        ({"k1": bytes(32)}, "k1", "predictable"),
    ],
)
def test_a_weak_or_default_key_is_refused(keys: dict[str, bytes], key_id: str, reason: str) -> None:
    with pytest.raises(KeysError) as caught:
        Pseudonymiser(keys)
    assert (caught.value.key_id, caught.value.reason) == (key_id, reason)


def test_spelling_of_white_space_and_case_does_not_change_a_prompt_hash() -> None:
    assert BEFORE.keyed_hash("acme", " Tell\tME\n more ") == BEFORE.keyed_hash("acme", "tell me more")
    assert BEFORE.keyed_hash("acme", "ﬁne") == BEFORE.keyed_hash("acme", "fine")


def test_another_prompt_or_tenant_has_another_hash() -> None:
    hashes = {BEFORE.keyed_hash(tenant, prompt) for tenant in ("acme", "umbrella") for prompt in ("one", "two")}
    assert len(hashes) == 4
    assert all(re.fullmatch(r"[0-9a-f]{32}", known) for known in hashes)


def test_new_keys_are_accepted_and_differ() -> None:
    one, other = new_key(), new_key()
    assert one != other
    assert Pseudonymiser({"k1": bytes.fromhex(one)}).pseudonym("acme", "subject", "jane")


def test_a_key_file_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"k2": NEW.hex(), "k1": OLD.hex()}))
    assert list(load_keys(path).items()) == [("k2", NEW), ("k1", OLD)]


@pytest.mark.parametrize(
    ("text", "key_id", "reason"),
    [
        ("not json", "", "not_json"),
        ("\xff", "", "not_json"),
        ("[]", "", "no_keys"),
        ('["k1"]', "", "not_an_object"),
        ('"k1"', "", "not_an_object"),
        ('{"k1": "xyz"}', "k1", "not_hex"),
        ('{"k1": 12}', "k1", "not_hex"),
        ('{"k1": "00", "k1": "01"}', "k1", "named_twice"),
    ],
)
def test_a_broken_key_file_is_refused_by_place_and_kind(tmp_path: Path, text: str, key_id: str, reason: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text, "latin-1")
    with pytest.raises(KeysError) as caught:
        Pseudonymiser(load_keys(path))
    assert (caught.value.key_id, caught.value.reason) == (key_id, reason)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysError) as caught:
        load_keys(tmp_path / "none.json")
    assert caught.value.reason == "unreadable"
