"""Records of all event models for property tests: valid ones, damaged ones, and ones that are whole only together."""

import json
import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from events import Category, FilterVerdict, ProviderNotice, RequestLog, ScoreKind, Stage, State, UserFeedback
from events.event import Event

MODELS: tuple[type[Event], ...] = (RequestLog, FilterVerdict, UserFeedback, ProviderNotice)

letters, digits = string.ascii_letters, string.digits


def word(first: str, rest: str, longest: int) -> st.SearchStrategy[str]:
    return st.builds(str.__add__, st.sampled_from(first), st.text(rest, max_size=longest - 1))


ids = word(letters + digits, letters + digits + "._:/~-", 128)
labels = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|"), min_size=1, max_size=128)
bodies = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)
pseudonyms = st.builds("{}.{}".format, st.sampled_from(["k1", "0", "abcdefgh"]), bodies)
unit = st.floats(0, 1)
counts = st.integers(0, 2**53)
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def instant(microseconds: int, zone: timezone) -> str:
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone).isoformat()


instants = st.builds(instant, st.integers(-(6 * 10**16), 2 * 10**17), zones)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


EVENT = {
    "v": st.just(1),
    "event_id": ids,
    "at": instants | st.datetimes().map(lambda at: at.isoformat() + "Z"),
    "tenant": word(string.ascii_lowercase + digits, string.ascii_lowercase + digits + "._-", 64),
    "subject": pseudonyms,
    "session": maybe(pseudonyms),
    "api_key": maybe(pseudonyms),
    "source_format": labels,
}
MODEL_EVENT = EVENT | {
    "request_id": ids,
    "provider": labels,
    "model": labels,
    "deployment": maybe(labels),
    "modality": st.sampled_from(["text", "vision", "image", "audio"]),
    "language": maybe(st.sampled_from(["en", "ENG", "zh-Hant-TW", "de-1996-abcdefgh-x1"])),
    "release": maybe(labels),
    "prompt_hash": maybe(st.text("0123456789abcdef", min_size=16, max_size=64)),
    "prompt_shingles": st.lists(st.integers(0, 2**32 - 1), max_size=4) | st.just([7] * 256),
    "links": st.lists(st.sampled_from(["device:" + "0a" * 8, "network:" + "f" * 64]), max_size=8),
}
FIELDS: dict[type[Event], dict[str, st.SearchStrategy[Any]]] = {
    RequestLog: MODEL_EVENT
    | {
        "outcome": st.sampled_from(["completed", "blocked", "failed"]),
        "http_status": maybe(st.integers(100, 599)),
        "finish_reason": maybe(labels),
        "prompt_tokens": maybe(counts),
        "completion_tokens": maybe(counts),
        "latency_ms": maybe(st.floats(0, 86_400_000)),
        "streamed": st.booleans(),
        "partial": st.booleans(),
    },
    FilterVerdict: MODEL_EVENT
    | {
        "filter": labels,
        "filter_version": maybe(labels),
        "stage": st.sampled_from(list(Stage)),
        "category": st.sampled_from(list(Category)),
        "provider_category": labels,
        "state": st.sampled_from(list(State)),
        "severity": maybe(st.integers(0, 3)),
        "score": maybe(unit),
        "score_kind": maybe(st.sampled_from(list(ScoreKind))),
        "item": maybe(ids),
        "choice": maybe(st.integers(0, 127)),
        "partial": st.booleans(),
    },
    UserFeedback: MODEL_EVENT
    | {
        "thumb": maybe(st.sampled_from(["up", "down"])),
        "rating": maybe(st.integers(1, 5)),
        "reasons": st.lists(st.sampled_from(["inaccurate", "harmful", "incomplete", "other"]), max_size=4),
    },
    ProviderNotice: EVENT
    | {
        "provider": labels,
        "kind": st.sampled_from(["warning", "deactivation", "identifier_blocked", "alert"]),
        "provider_category": maybe(labels),
        "request_id": maybe(ids),
        "model": maybe(labels),
    },
}

ODD_TIMES = (
    "2026-06-12T10:41:50.1234567Z",
    "2026-06-12T10:41:50.9999999+00:00",
    "2026-06-12T10:41:50.12345649Z",
    "2026-06-12 10:41:50Z",
    "2026-06-12t10:41:50z",
    "2026-06-12T10:41Z",
    "2026-06-12T10:41:50,5Z",
    "2026-06-12T10:41:60Z",
    "2026-06-12T24:00:00Z",
    "2026-06-12T10:41:50",
    "2026-06-12T10:41:50-00:00",
    "2026-06-12T10:41:50+0530",
    "2026-06-12T10:41:50+24:00",
    "2026-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:59-14:00",
    "2026-W24-5T10:41:50Z",
    "1781260910",
)
ODD_TEXTS = ("", "a\n", "\n", "a|b", "a\x7fb", "a\x00b", "é", "a" * 128, "a" * 129, "en\n", "k1." + "a" * 26 + "\n")
odd_numbers = st.sampled_from(
    [-1, 0, 1, 3, 4, 127, 128, 2**53, 2**53 + 1, 2**64, 10**400, 1.0, 1.5, -0.0, 1e22, float("nan"), float("inf")]
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | odd_numbers
    | st.floats()
    | st.sampled_from(ODD_TIMES + ODD_TEXTS)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def valid(draw: st.DrawFn) -> tuple[type[Event], dict[str, Any]]:
    model = draw(st.sampled_from(MODELS))
    chosen = draw(st.sets(st.sampled_from([n for n, f in model.model_fields.items() if not f.is_required()])))
    names = [name for name, field in model.model_fields.items() if field.is_required() or name in chosen]
    return model, {name: draw(FIELDS[model][name]) for name in names}


@st.composite
def damaged_fields(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    model, fields = draw(valid())
    for name in draw(st.lists(st.sampled_from([*model.model_fields, "unknown"]), max_size=2)):
        if draw(st.booleans()) and name in fields:
            del fields[name]
        else:
            fields[name] = draw(anything)
    if draw(st.booleans()):
        fields["at"] = draw(st.sampled_from(ODD_TIMES))
    return model, json.dumps(fields, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@st.composite
def damaged_bytes(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    model, fields = draw(valid())
    raw = json.dumps(fields, ensure_ascii=False).encode()
    start = draw(st.integers(0, len(raw)))
    end = draw(st.integers(start, min(len(raw), start + 3)) | st.just(len(raw)))
    return model, raw[:start] + draw(st.binary(max_size=3) | st.sampled_from([b"\\u0000", b"\xff", b'"', b" "])) + raw[
        end:
    ]


@st.composite
def repeated_fields(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    model, fields = draw(valid())
    name = draw(st.sampled_from(list(fields)))
    twice = {name: draw(FIELDS[model][name] | anything)}
    pair = [json.dumps(fields, default=str)[:-1], json.dumps(twice, default=str)[1:]]
    return model, ",".join(pair).encode()


VERDICT = {
    "v": 1,
    "event_id": "r-1:prompt:hate",
    "at": "2026-06-12T10:41:50.123456Z",
    "tenant": "acme-eu",
    "subject": "k1." + "a" * 26,
    "request_id": "r-1",
    "provider": "azure.openai",
    "model": "gpt-4.1",
    "filter": "azure-content-filter",
    "stage": "prompt",
    "category": "hate",
    "provider_category": "hate",
    "state": "blocked",
    "severity": 2,
}


def record(**changes: Any) -> bytes:
    return json.dumps(VERDICT | changes, ensure_ascii=False).encode()


@st.composite
def splinters(draw: st.DrawFn) -> list[bytes]:
    """Records cut and glued anywhere: whole together, broken one by one."""
    glued = b",".join(record(event_id=f"r-{number}") for number in range(draw(st.integers(1, 4))))
    cuts = sorted(draw(st.lists(st.integers(0, len(glued)) | st.just(len(record(event_id="r-0"))), max_size=4)))
    return [glued[start:end] for start, end in zip([0, *cuts], [*cuts, len(glued)], strict=True)]
