"""Raw records for lanes, built from the event models, and a log that replays them as a crash would."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from broker.bulk import Outgoing
from events import FilterVerdict
from streams.lane import Flush, Lane

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
SUBJECTS = tuple(f"k1.{letter * 26}" for letter in "abcdefgh")


@dataclass(frozen=True)
class Raw:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def verdict(number: int, **changes: Any) -> FilterVerdict:
    """Verdict `number` of a stream: one second apart, one request each, clean unless changed."""
    fields: dict[str, Any] = {
        "event_id": f"r{number}:prompt:hate",
        "at": START + timedelta(seconds=number),
        "tenant": "contoso",
        "subject": SUBJECTS[0],
        "request_id": f"r{number}",
        "session": None,
        "provider": "azure.openai",
        "model": "gpt-4o",
        "filter": "azure-content-filter",
        "stage": "prompt",
        "category": "hate",
        "provider_category": "hate",
        "state": "clean",
        "severity": 0,
    }
    return FilterVerdict(**(fields | changes))


def blocked(number: int, **changes: Any) -> FilterVerdict:
    return verdict(number, **({"state": "blocked", "severity": 2} | changes))


def record(offset: int, event: FilterVerdict, *, arrived: datetime | None = None) -> Raw:
    stamp = arrived or event.at
    key = f"{event.tenant}|{event.subject}".encode()
    return Raw(offset, int(stamp.timestamp() * 1000), key, event.model_dump_json(exclude_none=True).encode())


def records(events: Iterable[FilterVerdict]) -> list[Raw]:
    return [record(offset, event) for offset, event in enumerate(events)]


def sent(flush: Flush, topic: str) -> list[Outgoing]:
    return [one for one in flush.outputs if one.topic == topic]


def reopened(lane: Lane, state: Iterable[Outgoing]) -> Lane:
    """`lane`, a new one, after reading the state records back."""
    for one in state:
        lane.restore(one.key or b"", one.value)
    lane.restored()
    return lane


def in_batches(items: Sequence[Raw], cuts: Iterable[int]) -> list[Sequence[Raw]]:
    """`items` cut at the given places."""
    places = sorted({0, len(items), *(cut % (len(items) + 1) for cut in cuts)})
    return [items[start:end] for start, end in pairwise(places) if start < end]
