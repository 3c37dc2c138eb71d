"""Cursors: opaque, validated, lossless."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import BadCursor
from api.page import PageQuery, Place


@given(st.datetimes(timezones=st.just(UTC)), st.text(max_size=80))
def test_a_cursor_leads_back_to_its_place(at: datetime, key: str) -> None:
    place = Place(at, key)
    assert Place.read(place.cursor) == place


@given(st.text(max_size=100))
def test_anything_else_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(BadCursor):
        Place.read(text)


@pytest.mark.parametrize(
    "inner", [b"[]", b"{}", b'["2026-01-01T00:00:00", "naive"]', b'["2026-01-01T00:00:00Z", "a", "b"]', b'["x", 1]']
)
def test_a_cursor_of_the_wrong_content_is_refused(inner: bytes) -> None:
    with pytest.raises(BadCursor):
        Place.read(base64.urlsafe_b64encode(inner).decode())


def test_places_order_by_time_across_time_zones() -> None:
    early = Place(datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), "a")
    assert early < Place(datetime(2026, 1, 1, 11, tzinfo=UTC), "a")


def test_a_query_without_cursor_starts_at_the_newest() -> None:
    assert PageQuery().before is None
