"""The webhook signature: what it covers, and what a receiver finds wrong with it."""

import hashlib
import hmac
from datetime import timedelta

import pytest
from alert_facts import AT
from hypothesis import given
from hypothesis import strategies as st

from alerts.notify.signature import TOLERANCE, sign, verify

SECRET = b"s" * 32
BODY = b'{"id":"ntf_1"}'
HEADER = sign(BODY, SECRET, at=AT)


def test_signature_is_the_hmac_of_timestamp_and_body():
    timestamp = int(AT.timestamp())
    expected = hmac.new(SECRET, f"{timestamp}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert f"t={timestamp},v1={expected}" == HEADER


@given(body=st.binary(max_size=50), secret=st.binary(min_size=1, max_size=50))
def test_what_was_signed_verifies(body: bytes, secret: bytes):
    assert verify(body, sign(body, secret, at=AT), secret=secret, now=AT) is None


@given(body=st.binary(max_size=50), secret=st.binary(min_size=1, max_size=50))
def test_other_bodies_and_secrets_do_not_verify(body: bytes, secret: bytes):
    expected = None if (body, secret) == (BODY, SECRET) else "mismatch"
    assert verify(body, HEADER, secret=secret, now=AT) == expected


def test_timestamp_is_signed_too():
    moved = HEADER.replace(str(int(AT.timestamp())), str(int(AT.timestamp()) + 1))
    assert verify(BODY, moved, secret=SECRET, now=AT) == "mismatch"


@pytest.mark.parametrize(("off", "fault"), [(TOLERANCE, None), (TOLERANCE + timedelta(seconds=1), "stale")])
@pytest.mark.parametrize("direction", [1, -1])
def test_old_and_future_signatures_are_stale(off: timedelta, fault: str | None, direction: int):
    assert verify(BODY, HEADER, secret=SECRET, now=AT + direction * off) == fault


def test_either_secret_is_good_while_it_rotates():
    new = sign(BODY, b"n" * 32, at=AT).split(",")[1]
    assert verify(BODY, f"{HEADER},{new}", secret=SECRET, now=AT) is None
    assert verify(BODY, f"{HEADER},{new}", secret=b"n" * 32, now=AT) is None


@pytest.mark.parametrize(
    "header",
    ["", "v1=" + "0" * 64, "t=1", "t=x,v1=" + "0" * 64, "t=1,v1=é", "t=1,v1=" + "0" * 63, HEADER + ",v2=1", "t=-1,v1="],
)
def test_headers_of_another_shape_are_malformed(header: str):
    assert verify(BODY, header, secret=SECRET, now=AT) == "malformed"


@given(header=st.text(max_size=100))
def test_no_header_makes_it_raise(header: str):
    assert verify(BODY, header, secret=SECRET, now=AT) == "malformed"
