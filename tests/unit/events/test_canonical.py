import json
from typing import Any

import pytest
from chat_items import CONTEXT
from hypothesis import given
from hypothesis import strategies as st

from events import ProviderNotice, UserFeedback
from events.errors import FormatError, UnknownFormatError
from events.event import Event
from events.formats import FORMATS, EdgeContext, format_named
from events.formats.canonical import KINDS

CANONICAL = format_named("canonical")
SUBJECT = "k1." + "a" * 26
EVENT = {"event_id": "e1", "at": "2026-06-12T10:41:50Z", "tenant": "acme", "subject": SUBJECT}
REQUEST = EVENT | {"request_id": "r1", "provider": "azure.openai", "model": "gpt-4.1"}
VERDICT = {"filter": "f", "stage": "prompt", "category": "hate", "provider_category": "hate", "state": "clean"}
ITEMS: dict[str, dict[str, Any]] = {
    "request_log": REQUEST | {"outcome": "completed"},
    "filter_verdict": REQUEST | VERDICT,
    "user_feedback": REQUEST | {"thumb": "down", "reasons": ["harmful"]},
    "provider_notice": EVENT | {"provider": "openai", "notice": "warning"},
}


def only(item: dict[str, Any], context: EdgeContext = CONTEXT) -> Event:
    (event,) = CANONICAL.parse(item, context)
    return event


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_event_is_read(kind: str) -> None:
    event = only({"kind": kind} | ITEMS[kind])
    assert type(event) is KINDS[kind]
    assert (event.event_id, event.subject, event.source_format) == ("e1", SUBJECT, "canonical")


def test_a_notice_keeps_its_own_kind() -> None:
    event = only({"kind": "provider_notice"} | ITEMS["provider_notice"])
    assert isinstance(event, ProviderNotice)
    assert event.kind == "warning"


def test_a_raw_user_is_pseudonymised_with_session_and_key() -> None:
    item = {"kind": "user_feedback"} | ITEMS["user_feedback"] | {"user": "jane", "session": "s1", "api_key": "a1"}
    del item["subject"]
    event = only(item)
    make = CONTEXT.pseudonymiser.pseudonym
    assert isinstance(event, UserFeedback)
    assert event.subject == make("acme", "subject", "jane")
    assert event.session == make("acme", "session", "s1")
    assert event.api_key == make("acme", "api_key", "a1")


def test_the_tenant_of_the_edge_is_taken_where_none_is_named() -> None:
    item = {"kind": "request_log"} | ITEMS["request_log"]
    del item["tenant"]
    assert only(item, EdgeContext(CONTEXT.pseudonymiser, CONTEXT.now, tenant="umbrella")).tenant == "umbrella"


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"kind": None}, "kind", "missing"),
        ({"kind": ""}, "kind", "unknown_kind"),
        ({"kind": "signal"}, "kind", "unknown_kind"),
        ({"kind": []}, "kind", "not_a_string"),
        ({"subject": "jane@example.com"}, "subject", "string_pattern_mismatch"),
        ({"user": "jane"}, "subject", "beside_user"),
        ({"category": "sarcasm"}, "category", "enum"),
        ({"severity": 4}, "severity", "literal_error"),
        ({"score": float("nan")}, "score", "finite_number"),
        ({"v": 2}, "v", "literal_error"),
        ({"at": "2026-06-12T12:06:00Z"}, "at", "in_the_future"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at", "datetime_out_of_range"),
    ],
)
def test_a_broken_event_is_refused_by_field_and_kind(changes: dict[str, Any], path: str, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        only({"kind": "filter_verdict"} | ITEMS["filter_verdict"] | changes)
    assert (caught.value.path, caught.value.reason) == (path, reason)


def test_a_missing_subject_is_refused() -> None:
    item = {"kind": "filter_verdict"} | ITEMS["filter_verdict"]
    del item["subject"]
    with pytest.raises(FormatError) as caught:
        only(item)
    assert str(caught.value) == "subject: missing"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(anything)
def test_no_item_raises_anything_but_a_format_error(item: Any) -> None:
    with pytest.raises(FormatError):
        CANONICAL.parse(item, CONTEXT)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_damaged_event_is_refused_or_valid(kind: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*ITEMS[kind], "user", "session", "kind"]))
    item = {"kind": kind} | ITEMS[kind] | {name: data.draw(anything)}
    try:
        event = only(item)
    except FormatError:
        return
    assert type(event).model_validate_json(event.model_dump_json()) == event


def test_formats_are_found_by_name() -> None:
    assert [known.name for known in FORMATS] == ["canonical", "azure-openai-chat"]
    assert all(format_named(known.name) is known for known in FORMATS)


def test_an_unknown_format_is_named_with_safe_characters() -> None:
    with pytest.raises(UnknownFormatError) as caught:
        format_named("<script>" + "x" * 99)
    assert caught.value.name == "?script?" + "x" * 56


def test_the_documented_items_are_json() -> None:
    assert json.loads(json.dumps(ITEMS)) == ITEMS
