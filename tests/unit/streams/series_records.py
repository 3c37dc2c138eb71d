"""What observers publish, short to write: counts, scores and watermarks of a few series, and records that hold them."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from stream_records import START, Raw

from broker.bulk import Outgoing
from policy.category_spike import CategorySpikePolicy
from policy.groundedness_drift import GroundednessDriftPolicy
from streams.detectors.category_spike import CategorySpike
from streams.detectors.groundedness_drift import GroundednessDrift
from streams.series import ENCODE, Published, SeriesCount, SeriesScore, Watermark

SERIES = "contoso|gpt-4o|azure.openai|hate|prompt"
SCORES = "contoso|gpt-4o|chat|groundedness|judge|2"
FIRST_MINUTE = int(START.timestamp() // 60)
STEP_MINUTES = 5

SPIKE = CategorySpike(CategorySpikePolicy.model_validate({"steps": ["5m"], "cold_start": "30m"}), "p1")
DRIFT = GroundednessDrift(GroundednessDriftPolicy(reference_size=50, false_alarm_every=100), "p1")

State = TypeVar("State")


def count(minute: int, flagged: int, *, source: int = 0, series: str = SERIES) -> SeriesCount:
    """The running total of minute `minute` after the start."""
    return SeriesCount(series, FIRST_MINUTE + minute, source, flagged + 20, flagged, flagged)


def score(second: float, value: float, *, offset: int, source: int = 0, series: str = SCORES) -> SeriesScore:
    """A score `second` seconds after the start; its id tells source and offset."""
    return SeriesScore(series, f"s{source}-{offset}", START.timestamp() + second, value, source, offset)


def mark(minute: float, *, source: int = 0, idle: bool = False) -> Watermark:
    """A watermark at minute `minute` after the start."""
    return Watermark(source, watermark(minute), idle)


def watermark(minute: float) -> float:
    return (FIRST_MINUTE + minute) * 60.0


def logged(published: Iterable[Published], start: int = 0) -> list[Raw]:
    """The records of a series topic."""
    return [Raw(offset, 0, b"k", ENCODE(one)) for offset, one in enumerate(published, start)]


def state_of(records: Iterable[tuple[bytes, bytes | None]], key: str, kind: type[State]) -> State:
    """The decoded state record of a key."""
    return msgspec.msgpack.decode(dict(records)[key.encode()] or b"", type=kind)


def ids(outputs: Iterable[Outgoing]) -> list[str]:
    """The ids of emitted records, in order."""
    return [msgspec.json.decode(one.value or b"")["id"] for one in outputs]
