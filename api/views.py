"""The compacted topics in memory: what gateways, reviewers and on-call people look up; nothing is stored or sent."""

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from alerts.appeal import Appeal
from alerts.decision import Decision, Lift
from alerts.enforcement import Enforcement
from alerts.incident import Incident
from alerts.record import content_id
from api.changes import Change, Hub
from api.page import Page, Place
from events.keys import SubjectKey


class EnforcementView:
    """The latest enforcement of every subject, in order of change."""

    def __init__(self, epoch: str, *, max_streams: int = 1_000) -> None:
        self.hub: Hub[Enforcement] = Hub(epoch, max_subscriptions=max_streams)
        self._latest: dict[SubjectKey, Change[Enforcement]] = {}

    def __len__(self) -> int:
        return len(self._latest)

    def apply(self, key: str, value: Enforcement | None) -> None:
        """Take a record of the topic in; None is the tombstone of a subject, who then counts as allowed.

        An older revision is ignored: a log that was restored repeats itself. Raises ValueError for a foreign key.
        """
        subject = SubjectKey.parse(key)
        known = self._latest.get(subject)
        if value is None:
            if known is None or not known.value.measures:
                return
            value = known.value.model_copy(update={"measures": ()})
        elif known and known.value.revision >= value.revision and known.value.at >= value.at:
            return
        self._latest.pop(subject, None)
        self._latest[subject] = self.hub.publish(value)

    def get(self, tenant: str, subject: str) -> Enforcement | None:
        """What is in force or was; None for a subject that nothing was ever decided about."""
        change = self._latest.get(SubjectKey(tenant, subject))
        return change.value if change else None

    def after(self, number: int) -> list[Change[Enforcement]]:
        """The latest state of every subject that changed after a number, in order of change; 0 gives all."""
        found = []
        for change in reversed(self._latest.values()):
            if change.number <= number:
                break
            found.append(change)
        return found[::-1]

    def __iter__(self) -> Iterator[Enforcement]:
        return (change.value for change in self._latest.values())


T = TypeVar("T", Appeal, Incident)
V = TypeVar("V")


class Shelf(Generic[T]):
    """The latest version of every appeal or incident, newest opened first."""

    def __init__(self) -> None:
        self._by_id: dict[str, T] = {}
        self._places: list[Place] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[T]:
        return iter(self._by_id.values())

    def get(self, key: str) -> T | None:
        """By id."""
        return self._by_id.get(key)

    def apply(self, key: str, value: T | None) -> None:
        """Take a record of the topic in, by the id in its key; None removes it."""
        known = self._by_id.pop(key, None)
        if known:
            del self._places[bisect.bisect_left(self._places, Place(known.opened_at, key))]
        if value:
            self._by_id[key] = value
            bisect.insort(self._places, Place(value.opened_at, key))

    def page(self, fits: Callable[[T], bool], *, before: Place | None, limit: int) -> Page[T]:
        """Up to `limit` fitting ones, newest opened first, older than `before`."""
        end = bisect.bisect_left(self._places, before) if before else len(self._places)
        items: list[T] = []
        for index in range(end - 1, -1, -1):
            value = self._by_id[self._places[index].key]
            if not fits(value):
                continue
            if len(items) == limit:
                return Page(items=items, next=Place(items[-1].opened_at, items[-1].id).cursor)
            items.append(value)
        return Page(items=items)


class DecisionView:
    """The last decisions, and how the lifted ones were lifted; older ones are in the store."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._by_id: dict[str, Decision] = {}
        self._lifts: dict[str, Lift] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def apply(self, act: Decision | Lift) -> None:
        """Keep a decision or a lift; the one kept longest gives way when the view is full."""
        if isinstance(act, Lift):
            _keep(self._lifts, act.decision_id, act, size=self._size)
        else:
            _keep(self._by_id, act.id, act, size=self._size)

    def get(self, decision_id: str) -> Decision | None:
        """By id."""
        return self._by_id.get(decision_id)

    def lift_of(self, decision_id: str) -> Lift | None:
        """What undid the decision, if anything did."""
        return self._lifts.get(decision_id)


def _keep(kept: dict[str, V], key: str, value: V, *, size: int) -> None:
    kept.setdefault(key, value)
    if len(kept) > size:
        del kept[next(iter(kept))]


@dataclass(frozen=True, slots=True)
class Views:
    """Everything that is looked up in memory."""

    enforcements: EnforcementView
    appeals: Shelf[Appeal]
    incidents: Shelf[Incident]
    decisions: DecisionView

    @classmethod
    def empty(cls, epoch: str, *, max_streams: int = 1_000) -> "Views":
        """Views that nothing was applied to yet; `epoch` must differ per process run."""
        return cls(EnforcementView(epoch, max_streams=max_streams), Shelf(), Shelf(), DecisionView())

    def appeal_against(self, decision_id: str) -> Appeal | None:
        """The appeal against a decision: there is at most one, and its id is a function of the decision's."""
        return self.appeals.get(content_id("app", decision_id))
