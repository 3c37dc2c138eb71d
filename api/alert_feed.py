"""The alert feed: signals and what followed from them, newest first, the last ones in memory. It decides nothing."""

import bisect
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.ledger import LedgerEntry
from alerts.signal import Signal
from api.changes import Change, Hub
from api.page import Place
from events.event import Instant, Tenant

AlertKind = Literal["signal", "decision", "held", "lift", "appeal", "incident"]
_KINDS: dict[str, AlertKind] = {
    "decision": "decision",
    "held": "held",
    "lift": "lift",
    "appeal_opened": "appeal",
    "appeal_claimed": "appeal",
    "appeal_decided": "appeal",
    "incident_opened": "incident",
    "incident_updated": "incident",
    "incident_acknowledged": "incident",
    "incident_resolved": "incident",
}


class Alert(BaseModel):
    """One line of the feed."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """Of the signal, or of the ledger entry."""
    kind: AlertKind
    """What it is."""
    tenant: Tenant
    """The tenant."""
    at: Instant
    """Event time."""
    key: str
    """`tenant|subject` or the series key."""
    about: str
    """Id of the signal, decision, appeal or incident."""
    detector: str | None = None
    """The detector behind it, where one is."""
    level: str | None = None
    """A signal's or incident's level, or a decision's measure."""
    act: str
    """`signal`, or the ledger's word for what happened, e.g. `appeal_opened`."""
    actor: str
    """`watchfloor` or a person."""
    words: str
    """What happened and why, in one sentence."""
    record: dict[str, Any]
    """The whole record."""

    @property
    def place(self) -> Place:
        """Where it stands in the feed, to the millisecond, as the store keeps it."""
        return Place(self.at.replace(microsecond=self.at.microsecond // 1000 * 1000), self.id)


def from_signal(signal: Signal) -> Alert:
    """The line for a signal."""
    return Alert(
        id=signal.id,
        kind="signal",
        tenant=signal.tenant,
        at=signal.at,
        key=signal.key,
        about=signal.id,
        detector=signal.detector,
        level=signal.level,
        act="signal",
        actor="watchfloor",
        words=signal.words,
        record=signal.model_dump(mode="json", exclude_none=True),
    )


def from_entry(entry: LedgerEntry) -> Alert | None:
    """The line for a ledger entry; None for kinds that nobody works on (notifications, refusals, policy)."""
    kind = _KINDS.get(entry.kind)
    if kind is None:
        return None
    level = entry.detail.get("level") or entry.detail.get("measure") or entry.detail.get("would")
    return Alert(
        id=entry.id,
        kind=kind,
        tenant=entry.tenant,
        at=entry.at,
        key=entry.key,
        about=entry.about,
        detector=entry.detail.get("detector"),
        level=level,
        act=entry.kind,
        actor=entry.actor,
        words=entry.words,
        record=entry.detail,
    )


def ledger_kinds(kind: AlertKind | None) -> list[str]:
    """The ledger's words for what a kind of alert covers; None covers all."""
    return [word for word, of in _KINDS.items() if kind in (None, of)]


class AlertFilter(BaseModel):
    """Which alerts are wanted; what is not given does not filter."""

    tenants: frozenset[str] | None = Field(default=None, exclude=True)
    kind: AlertKind | None = None
    detector: str | None = None
    level: str | None = None
    since: Instant | None = None

    def fits(self, alert: Alert) -> bool:
        """Whether the alert is wanted."""
        return (
            (self.tenants is None or alert.tenant in self.tenants)
            and (self.since is None or alert.at >= self.since)
            and all(
                wanted is None or wanted == getattr(alert, name)
                for name, wanted in (("kind", self.kind), ("detector", self.detector), ("level", self.level))
            )
        )


class AlertFeed:
    """The last alerts, by time for pages and by arrival for streams. Repeated ids are one alert."""

    def __init__(self, epoch: str, *, size: int = 10_000, max_streams: int = 1_000) -> None:
        self.hub: Hub[Alert] = Hub(epoch, max_subscriptions=max_streams)
        self._size = size
        self._by_place: list[Place] = []
        self._by_id: dict[str, Change[Alert]] = {}
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Alert]:
        return (change.value for change in self._by_id.values())

    def apply(self, alert: Alert) -> None:
        """Take an alert in; a known id is ignored. The oldest by time gives way when the feed is full.

        Older pages come from the store.
        """
        if alert.id in self._by_id:
            return
        if len(self._by_place) >= self._size:
            if alert.place < self._by_place[0]:
                return
            self._dropped = max(self._dropped, self._by_id.pop(self._by_place.pop(0).key).number)
        bisect.insort(self._by_place, alert.place)
        self._by_id[alert.id] = self.hub.publish(alert)

    def newest(self, wanted: AlertFilter, *, before: Place | None, limit: int) -> list[Alert]:
        """Up to `limit` fitting alerts from memory, newest first, older than `before`."""
        end = bisect.bisect_left(self._by_place, before) if before else len(self._by_place)
        found: list[Alert] = []
        for index in range(end - 1, -1, -1):
            alert = self._by_id[self._by_place[index].key].value
            if wanted.fits(alert):
                found.append(alert)
                if len(found) == limit:
                    break
        return found

    def after(self, number: int) -> list[Change[Alert]]:
        """Alerts that arrived after a number, in order of arrival, as far as they are in memory."""
        return list(_newer(reversed(self._by_id.values()), number))[::-1]

    def reaches(self, number: int) -> bool:
        """Whether nothing that arrived after this number has left memory."""
        return number >= self._dropped


def _newer(latest_first: Iterable[Change[Alert]], number: int) -> Iterator[Change[Alert]]:
    for change in latest_first:
        if change.number <= number:
            return
        yield change
