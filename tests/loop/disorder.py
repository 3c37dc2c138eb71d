"""Makes a disorderly input of an orderly one: repeated, shuffled, late and future events, all counted."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from broker.bulk import Outgoing

_NEAR = 400
"""Records within which one is repeated: less than the lateness allowed."""
_LATE_FROM = 0.4
"""From this part of the input on, its beginning is late."""


def disordered(records: Sequence[Outgoing], seed: int) -> tuple[list[Outgoing], Counter[str]]:
    """The records in their order, among others that must not count; and how many of which kind these are."""
    chance, sent, extra = random.Random(seed), list[Outgoing](), Counter[str]()
    for number, record in enumerate(records):
        sent.append(record)
        kind = chance.choices(("none", "duplicate", "late", "future"), (90, 8, 1.5, 0.5))[0]
        if kind == "duplicate":
            sent.append(chance.choice(records[max(0, number - _NEAR) : number + 1]))
        elif kind == "late" and number > _LATE_FROM * len(records):
            sent.append(_moved(records[chance.randrange(len(records) // 100)], number, timedelta(0)))
        elif kind == "future":
            sent.append(_moved(record, number, datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)))  # noqa: TID251
        else:
            continue
        extra[kind] += 1
    return sent, extra


def _moved(record: Outgoing, number: int, by: timedelta) -> Outgoing:
    """A new event that is like this one, at another time."""
    event = msgspec.json.decode(record.value or b"")
    at = datetime.fromisoformat(event["at"]) + by
    changed = {"event_id": f"moved-{number}", "at": at.isoformat().replace("+00:00", "Z")}
    return record._replace(value=msgspec.json.encode(event | changed))


def shuffled(records: Sequence[Outgoing], *, within: timedelta, seed: int) -> Iterator[Outgoing]:
    """The records as they arrive when each is delayed by up to `within`."""
    chance = random.Random(seed)

    def arrival(record: Outgoing) -> datetime:
        at = datetime.fromisoformat(msgspec.json.decode(record.value or b"")["at"])
        return at + chance.random() * within

    yield from sorted(records, key=arrival)
