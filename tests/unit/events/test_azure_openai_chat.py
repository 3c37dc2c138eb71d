import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chat_items import CONTEXT, SAMPLES, answer, asked, blocked, envelope, parse, sample
from hypothesis import given
from hypothesis import strategies as st

from events import Event, FilterVerdict, RequestLog
from events.decoder import Decoder
from events.errors import FormatError
from events.formats import EdgeContext, format_named
from events.formats.azure_categories import CATEGORIES

CHAT = format_named("azure-openai-chat")
DECODERS: dict[type[Event], Decoder[Any]] = {model: Decoder(model) for model in (RequestLog, FilterVerdict)}
HATE = {"hate": {"filtered": False, "severity": "safe"}}


def refusal(item: Any, context: EdgeContext = CONTEXT) -> tuple[str, str]:
    with pytest.raises(FormatError) as caught:
        CHAT.parse(item, context)
    return caught.value.path, caught.value.reason


def test_the_envelope_is_carried_by_every_event() -> None:
    fields = {
        "deployment": "chat-prod",
        "language": "en-GB",
        "release": "2026.6",
        "modality": "vision",
        "prompt_hash": "0123456789abcdef",
    }
    log, verdicts = parse(answer(HATE), session="s", api_key="a", latency_ms=12.5, filter_version="v2", **fields)
    for event in (log, *verdicts):
        assert event.model_dump(include=set(fields)) == fields
        assert (event.tenant, event.request_id, event.provider, event.model) == (
            "acme",
            "r1",
            "azure.openai",
            "gpt-4.1",
        )
        assert event.at == datetime(2026, 6, 12, 10, 41, 50, tzinfo=UTC)
        assert event.source_format == "azure-openai-chat"
    assert log.latency_ms == 12.5
    assert (verdicts[0].filter, verdicts[0].filter_version) == ("azure-content-filter", "v2")


def test_people_are_pseudonyms_before_anything_else_sees_them() -> None:
    log, verdicts = parse(answer(HATE), user="jane", session="jane", api_key="jane")
    make = CONTEXT.pseudonymiser.pseudonym
    for event in (log, *verdicts):
        assert event.subject == make("acme", "subject", "jane")
        assert event.session == make("acme", "session", "jane")
        assert event.api_key == make("acme", "api_key", "jane")
        assert "jane" not in event.model_dump_json()


def test_ids_are_functions_of_the_content() -> None:
    body = asked(HATE) | answer({"custom_topics": {"details": [{"id": "prices"}]}})
    log, verdicts = parse(body)
    ids = [log.event_id, *(verdict.event_id for verdict in verdicts)]
    assert ids == ["r1:log", "r1:prompt:hate", "r1:completion:custom_topics:0:prices"]


def test_a_long_request_id_still_gives_ids_that_fit_and_differ() -> None:
    log, verdicts = parse(sample("annotated_200.json"), id="r" * 128)
    ids = {log.event_id, *(verdict.event_id for verdict in verdicts)}
    assert len(ids) == 1 + len(verdicts)
    assert all(known.startswith("r" * 80) and len(known) <= 128 for known in ids)


@pytest.mark.parametrize(
    ("changes", "body", "expected"),
    [
        ({}, {"model": "gpt-4.1-2025-04-14"}, "gpt-4.1"),
        ({"model": None}, {"model": "gpt-4.1-2025-04-14"}, "gpt-4.1-2025-04-14"),
        ({"model": None, "deployment": "chat-prod"}, {"model": ""}, "chat-prod"),
        ({"model": None}, {}, "unknown"),
    ],
)
def test_the_model_is_the_envelopes_then_the_bodys_then_the_deployment(
    changes: dict[str, Any], body: dict[str, Any], expected: str
) -> None:
    assert parse(answer({}) | body, **changes)[0].model == expected


def test_an_http_error_is_a_failure_whatever_the_body_says() -> None:
    assert parse(answer({}), http_status=500)[0].outcome == "failed"


def test_a_score_is_a_verdict_that_blocks_nothing() -> None:
    scores = [
        {"metric": "groundedness", "value": 0.75, "evaluator": "judge", "version": "3"},
        {"metric": "relevance", "value": 1, "evaluator": "judge"},
        {"metric": "tone", "value": 0, "evaluator": "The Judge"},
    ]
    _, verdicts = parse(answer({}), scores=scores)
    assert [(v.category, v.provider_category, v.score, v.score_kind, v.filter, v.filter_version) for v in verdicts] == [
        ("ungrounded", "groundedness", 0.75, "grounded_score", "judge", "3"),
        ("irrelevant", "relevance", 1.0, "quality_score", "judge", None),
        ("quality", "tone", 0.0, "quality_score", "The Judge", None),
    ]
    assert {(verdict.stage, verdict.state) for verdict in verdicts} == {("completion", "clean")}
    assert [verdict.event_id for verdict in verdicts[:2]] == [
        "r1:completion:groundedness:judge:3",
        "r1:completion:relevance:judge",
    ]


def test_the_tenant_of_the_edge_is_taken_where_none_is_named() -> None:
    item = envelope(answer({}))
    del item["tenant"]
    context = EdgeContext(CONTEXT.pseudonymiser, CONTEXT.now, tenant="umbrella")
    assert {event.tenant for event in CHAT.parse(item, context)} == {"umbrella"}
    assert {event.tenant for event in CHAT.parse(envelope(answer({})), context)} == {"acme"}


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"user": None}, "user", "string_type"),
        ({"user": ""}, "user", "string_too_short"),
        ({"user": " "}, "user", "string_pattern_mismatch"),
        ({"user": "\ud800"}, "user", "string_unicode"),
        ({"user": "j" * 513}, "user", "string_too_long"),
        ({"user": 7}, "user", "string_type"),
        ({"id": "spaced out"}, "id", "string_pattern_mismatch"),
        ({"tenant": "ACME"}, "tenant", "string_pattern_mismatch"),
        ({"at": "yesterday"}, "at", "datetime_from_date_parsing"),
        ({"at": "2026-06-12T10:41:50"}, "at", "timezone_aware"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at", "datetime_out_of_range"),
        ({"at": "2026-06-12T12:05:00.000001Z"}, "at", "in_the_future"),
        ({"modality": "smell"}, "modality", "literal_error"),
        ({"http_status": 42}, "http_status", "greater_than_equal"),
        ({"latency_ms": float("nan")}, "latency_ms", "finite_number"),
        ({"model": "a|b"}, "model", "string_pattern_mismatch"),
        ({"scores": [{"metric": "tone", "value": 2, "evaluator": "e"}]}, "scores[0].value", "less_than_equal"),
        ({"scores": [{"metric": "tone", "value": 1, "evaluator": "e"}] * 2}, "scores", "duplicate"),
        ({"scores": [{"metric": "tone", "value": 1, "evaluator": "e"}] * 33}, "scores", "too_long"),
    ],
)
def test_a_broken_envelope_is_refused_by_field_and_kind(changes: dict[str, Any], path: str, reason: str) -> None:
    assert refusal(envelope(answer({}), **changes)) == (path, reason)


@pytest.mark.parametrize("field", ["id", "at", "tenant", "user", "body"])
def test_a_missing_field_is_refused(field: str) -> None:
    item = envelope(answer({}))
    del item[field]
    assert refusal(item) == (field, "missing")


@pytest.mark.parametrize("item", [None, [], "text", 7])
def test_an_item_that_is_no_object_is_refused(item: Any) -> None:
    assert refusal(item) == ("", "not_an_object")


def test_five_minutes_ahead_are_forgiven() -> None:
    assert CHAT.parse(envelope(answer({}), at="2026-06-12T12:05:00Z"), CONTEXT)


def test_how_far_ahead_is_forgiven_is_the_edges_to_say() -> None:
    strict = EdgeContext(CONTEXT.pseudonymiser, CONTEXT.now, future=timedelta(minutes=1))
    assert refusal(envelope(answer({}), at="2026-06-12T12:02:00Z"), strict) == ("at", "in_the_future")


RESULTS = "body.choices[0].content_filter_results"


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        (None, "body", "not_a_chat_body"),
        ({}, "body", "not_a_chat_body"),
        ({"object": "response", "error": None}, "body", "not_a_chat_body"),
        ("text", "body", "not_an_object"),
        (7, "body", "not_an_object"),
        ({"choices": {}}, "body.choices", "not_an_array"),
        ({"choices": ["a"]}, "body.choices[0]", "not_an_object"),
        ({"choices": [{}] * 129}, "body.choices", "too_many"),
        ({"choices": [{"index": 128}]}, "body.choices[0].index", "out_of_range"),
        ({"choices": [{"index": -1}]}, "body.choices[0].index", "out_of_range"),
        ({"choices": [{"index": True}]}, "body.choices[0].index", "not_an_integer"),
        ({"choices": [{"finish_reason": 7}]}, "body.choices[0].finish_reason", "not_a_label"),
        ({"choices": [], "model": "a|b"}, "body.model", "not_a_label"),
        ({"choices": [], "usage": 7}, "body.usage", "not_an_object"),
        ({"choices": [], "usage": {"prompt_tokens": 1.5}}, "body.usage.prompt_tokens", "not_an_integer"),
        ({"prompt_filter_results": {}}, "body.prompt_filter_results", "not_an_array"),
        ({"error": "blocked"}, "body.error", "not_an_object"),
        ({"error": {"innererror": []}}, "body.error.innererror", "not_an_object"),
        (blocked(param=7), "body.error.param", "not_a_string"),
        (answer([]), RESULTS, "not_an_object"),
        (answer({"sarcasm": {}}), f"{RESULTS}.sarcasm", "unknown_category"),
        (answer({"tell me: " * 20: {}}), f"{RESULTS}.{('tell?me??' * 20)[:64]}", "unknown_category"),
        (answer({"hate": True}), f"{RESULTS}.hate", "not_an_object"),
        (answer({"hate": []}), f"{RESULTS}.hate", "not_an_object"),
        (answer({"hate": {"filtered": "no"}}), f"{RESULTS}.hate.filtered", "not_a_boolean"),
        (answer({"hate": {"severity": "extreme"}}), f"{RESULTS}.hate.severity", "unknown_severity"),
        (answer({"hate": {"severity": 4}}), f"{RESULTS}.hate.severity", "not_a_string"),
        (answer({"custom_topics": [{}]}), f"{RESULTS}.custom_topics[0].id", "missing"),
        (answer({"custom_topics": [{"id": 1}]}), f"{RESULTS}.custom_topics[0].id", "not_a_string"),
        (answer({"custom_topics": [{"id": "a"}] * 257}), f"{RESULTS}.custom_topics", "too_many"),
        (answer({"error": {"message": 1}}), f"{RESULTS}.error.message", "not_a_string"),
    ],
)
def test_a_broken_body_is_refused_by_place_and_kind(body: Any, path: str, reason: str) -> None:
    assert refusal(envelope(body)) == (path, reason)


def test_no_text_of_prompt_or_answer_is_copied() -> None:
    body = sample("annotated_200.json")
    written = "".join(event.model_dump_json() for event in CHAT.parse(envelope(body), CONTEXT))
    choice = body["choices"][0]
    pii = choice["content_filter_results"]["personally_identifiable_information"]["redacted_text"]
    for text in (choice["message"]["content"], pii, "github.com", "MIT"):
        assert text not in written


def test_the_same_item_gives_the_same_events() -> None:
    for path in sorted(SAMPLES.iterdir()):
        item = envelope(json.loads(path.read_text()))
        assert CHAT.parse(item, CONTEXT) == CHAT.parse(json.loads(json.dumps(item)), CONTEXT)


words = st.sampled_from(["safe", "low", "high", "stop", "content_filter", "", "ResponsibleAIPolicyViolation", "prompt"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(st.characters(), max_size=5)
keys = st.sampled_from(
    [
        *("choices", "index", "finish_reason", "content_filter_results", "content_filter_result", "usage", "model"),
        *(
            "prompt_filter_results",
            "prompt_annotations",
            "error",
            "innererror",
            "inner_error",
            "code",
            "message",
            "param",
        ),
        *("filtered", "detected", "severity", "details", "id", "sub_categories", "redacted", "status", *CATEGORIES),
        *("prompt_tokens", "at", "user", "body", "scores"),
    ]
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(max_size=3), inner, max_size=6),
    max_leaves=30,
)
results = st.dictionaries(st.sampled_from(["hate", "custom_topics", "error", "sarcasm"]), anything, max_size=3)
bodies = anything | st.lists(results.map(answer) | results.map(asked) | results.map(lambda r: blocked(innererror=r)))


@given(anything)
def test_no_item_raises_anything_but_a_format_error(item: Any) -> None:
    with pytest.raises(FormatError):
        CHAT.parse(item, CONTEXT)


@given(
    bodies | results.map(answer), st.dictionaries(st.sampled_from(["model", "latency_ms", "scores", "at"]), anything)
)
def test_what_a_body_gives_is_either_refused_or_fit_for_the_topics(body: Any, changes: dict[str, Any]) -> None:
    item = envelope(body, **changes)
    try:
        events = CHAT.parse(item, CONTEXT)
    except FormatError:
        return
    assert events == CHAT.parse(item, CONTEXT)
    assert len({event.event_id for event in events}) == len(events)
    for event in events:
        read = DECODERS[type(event)].decode(event.model_dump_json(exclude_none=True).encode())
        assert all(getattr(read, name) == value for name, value in event)
        checked = type(event).model_validate(dict(event))
        assert (checked, checked.model_dump_json()) == (event, event.model_dump_json())
