"""The benchmark's input: the same filter verdicts every time, as canonical bytes; it sends nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

USERS = 20_000
EVENTS_PER_SECOND = 5_000
"""Of event time: how busy the installation is whose log is read."""
_FILTERED_PER_MILLE = 30
_TENANTS = ("acme", "globex", "initech", "umbrella")
_MODELS = ("gpt-4.1", "gpt-4o", "gpt-4o-mini")
_CATEGORIES = ("hate", "sexual", "violence", "profanity")
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


class Event(NamedTuple):
    """One record: its key and its value."""

    key: bytes
    value: bytes


class User(NamedTuple):
    """Who sends requests."""

    tenant: str
    subject: str
    model: str


@dataclass(frozen=True)
class Workload:
    """`events` verdicts from `start` on, one per request, in order of time.

    20,000 users, the n-th of whom sends in proportion to 1/n; 3 % of the verdicts are filtered, every other one of
    these blocked and the rest only detected. A value is about 405 bytes.
    """

    events: int
    start: datetime
    """Event time of the first one; whole seconds, UTC."""

    def part(self, first: int, last: int) -> Iterator[Event]:
        """The events from number `first` to before number `last`."""
        for number in range(first, min(last, self.events)):
            yield self._event(number)

    def _event(self, number: int) -> Event:
        user = self._users[self._senders[number]]
        dice = int(self._dice[number])
        category = _CATEGORIES[dice & 3]
        stage = "completion" if dice & 4 else "prompt"
        state, severity = _finding(dice >> 3)
        at = self.start + timedelta(microseconds=100 + number * 1_000_000 // EVENTS_PER_SECOND)
        request = f"r{number:09}"
        value = (
            f'{{"v":1,"event_id":"{request}:{stage}:{category}","at":"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",'
            f'"tenant":"{user.tenant}","subject":"{user.subject}","source_format":"canonical","request_id":"{request}",'
            f'"provider":"azure.openai","model":"{user.model}","modality":"text","filter":"azure-content-filter",'
            f'"stage":"{stage}","category":"{category}","provider_category":"{category}","state":"{state}",'
            f'"severity":{severity},"partial":false}}'
        )
        return Event(f"{user.tenant}|{user.subject}".encode(), value.encode())

    @cached_property
    def _users(self) -> list[User]:
        return [_user(number) for number in range(USERS)]

    @cached_property
    def _senders(self) -> list[int]:
        weights = 1 / np.arange(1, USERS + 1)
        chosen: list[int] = np.random.default_rng(7).choice(USERS, self.events, p=weights / weights.sum()).tolist()
        return chosen

    @cached_property
    def _dice(self) -> NDArray[np.int64]:
        return np.random.default_rng(11).integers(0, 8_000, self.events)


def _user(number: int) -> User:
    digits = "".join(_BASE32[number >> shift & 31] for shift in (10, 5, 0))
    subject = f"k1.{digits.rjust(26, 'a')}"
    return User(_TENANTS[number % len(_TENANTS)], subject, _MODELS[number % len(_MODELS)])


def _finding(per_mille: int) -> tuple[str, int]:
    if per_mille >= _FILTERED_PER_MILLE:
        return "clean", 0
    return ("blocked", 2) if per_mille % 2 else ("detected", 1)
