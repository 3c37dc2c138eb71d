"""Many subjects, each with its verdicts: input whose size along every axis is chosen; the same every time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.workload import Event

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_STRIDE = 7_368_787
"""A prime: whoever comes next is far away, so that neighbours in time are not neighbours in memory."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """`events` verdicts, one per request, over `subjects` people who take turns, and over `series` models.

    The first `offenders` (a share) of the subjects have every second request blocked, from the first one on; all other
    verdicts are clean. A value is about 400 bytes.
    """

    events: int
    subjects: int
    start: datetime
    """Event time of the first one; UTC."""
    seconds: float
    """Event time that passes over all of them."""
    offenders: float = 0.0
    series: int = 8
    name: str = "r"
    """Begins the ids of its requests."""

    def part(self, first: int, last: int) -> Iterator[Event]:
        """The events from number `first` to before number `last`."""
        for number in range(first, min(last, self.events)):
            yield self.event(number)

    def event(self, number: int) -> Event:
        """One of them, as canonical bytes."""
        turn, place = divmod(number, self.subjects)
        person = place * _STRIDE % self.subjects
        blocked = person < self.offenders * self.subjects and turn % 2 == 0
        state, severity = ("blocked", 2) if blocked else ("clean", 0)
        at = self.start + timedelta(seconds=number * self.seconds / self.events)
        request, subject = f"{self.name}{number:09}", subject_of(person)
        value = (
            f'{{"v":1,"event_id":"{request}:prompt:hate","at":"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",'
            f'"tenant":"acme","subject":"{subject}","source_format":"canonical","request_id":"{request}",'
            f'"provider":"azure.openai","model":"model-{number % self.series}","modality":"text",'
            f'"filter":"azure-content-filter","stage":"prompt","category":"hate","provider_category":"hate",'
            f'"state":"{state}","severity":{severity},"partial":false}}'
        )
        return Event(f"acme|{subject}".encode(), value.encode())

    def request(self, number: int) -> Event:
        """The request log of the event with this number."""
        at = self.start + timedelta(seconds=number * self.seconds / self.events)
        request, subject = f"{self.name}{number:09}", subject_of(number % self.subjects * _STRIDE % self.subjects)
        value = (
            f'{{"v":1,"event_id":"{request}:log","at":"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z","tenant":"acme",'
            f'"subject":"{subject}","source_format":"canonical","request_id":"{request}","provider":"azure.openai",'
            f'"model":"model-{number % self.series}","modality":"text","outcome":"completed","http_status":200,'
            f'"latency_ms":420.5,"streamed":false,"partial":false}}'
        )
        return Event(f"acme|{subject}".encode(), value.encode())


def subject_of(person: int) -> str:
    """The pseudonym of a number, as long as a real one."""
    digits = "".join(_BASE32[person >> shift & 31] for shift in (20, 15, 10, 5, 0))
    return f"k1.{digits.rjust(26, 'a')}"
