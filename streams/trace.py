"""Why a detector fired at one event, or how far it was from firing, by replaying its key's events; it fetches none."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from alerts.signal import Signal
from streams.detectors.detector import Detector

State = TypeVar("State")
Event = TypeVar("Event")

RISING = ("review", "restrict", "block", "ticket", "page")
"""Levels; a later one of the same kind is graver."""
MOST_MORE = 50
"""Further events tried before a level counts as out of reach."""
MOST_PRUNED = 200
"""A larger counterfactual is not searched for events that it can do without."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One condition of one level, as it stands after an event."""

    path: str
    """The statistic's name."""
    level: str
    value: float
    threshold: float
    reached: bool
    also: str = ""
    """What else the level asks for, with how much of it there is."""


@dataclass(frozen=True, slots=True)
class Needed:
    """How many more events like the last would have reached a level by a path; None: none within `MOST_MORE`."""

    level: str
    path: str
    """The statistic's name; empty where only signals tell."""
    more: int | None


class Probe(Protocol[State, Event]):
    """How one detector is traced. A detector that only tells by its signals has no readings."""

    @property
    def detector(self) -> Detector[State, Event]:
        """The detector itself; the trace calls its `step`."""
        ...

    @property
    def called(self) -> str:
        """The detector's name in signals."""
        ...

    def name(self, event: Event) -> str:
        """The event's id."""
        ...

    def counts(self, event: Event) -> bool:
        """Whether it can speak against the key: what a counterfactual may leave out."""
        ...

    def readings(self, state: State, event: Event) -> tuple[Reading, ...]:
        """Every level's conditions in the state right after `event`."""
        ...

    def another(self, event: Event, number: int) -> Event:
        """The `number`-th further event against the key after `event`, which would count again."""
        ...


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Events without which a level would not have been reached at that moment."""

    level: str
    without: tuple[str, ...]
    """Their ids; empty when nothing found."""
    of: int
    """Events that spoke against the key."""
    order: str
    """How they were chosen."""
    minimal: bool
    """With any one of them back, the level is reached again."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One detector at one event."""

    detector: str
    key: str
    event_id: str
    events: int
    """Replayed, the event itself included."""
    signals: tuple[Signal, ...]
    """What it emitted at the event."""
    readings: tuple[Reading, ...]
    needed: tuple[Needed, ...]
    """For every reading that is short."""
    counterfactual: Counterfactual | None
    """For the gravest level reached."""


class Course(Generic[State, Event]):
    """A key's events with the state before each of them, so that a replay need not begin at the beginning."""

    def __init__(self, probe: Probe[State, Event], key: str, events: Sequence[Event]) -> None:
        self.probe, self.key, self.events = probe, key, events
        self.states: list[State] = [probe.detector.initial(key)]
        self.fired: list[tuple[Signal, ...]] = []
        for event in events:
            state, signals = probe.detector.step(self.states[-1], event)
            self.states.append(state)
            self.fired.append(signals)

    def place_of(self, signal_id: str) -> int | None:
        """Index of the event at which that signal was emitted, if the replay gives it."""
        return next((at for at, found in enumerate(self.fired) if any(one.id == signal_id for one in found)), None)

    def index(self, event_id: str) -> int | None:
        """Index of the event of that id."""
        return next((at for at, event in enumerate(self.events) if self.probe.name(event) == event_id), None)

    def stands(self, at: int, level: str, *, without: Collection[int] = ()) -> bool:
        """Whether `level` or a graver one is reached at event `at`, had those events not been."""
        start = min(without, default=at)
        state, fired = self.states[start], list[Signal]()
        for place in range(start, at + 1):
            if place not in without:
                state, signals = self.probe.detector.step(state, self.events[place])
                fired.extend(signals)
        readings = self.probe.readings(state, self.events[at])
        if readings:
            return any(one.reached and _as_grave(one.level, level) for one in readings)
        return any(_as_grave(one.level, level) for one in fired)


def trace(course: Course[State, Event], at: int) -> Trace:
    """The detector at event `at` of the course."""
    probe, event, state = course.probe, course.events[at], course.states[at + 1]
    readings = probe.readings(state, event)
    reached = {one.level for one in readings if one.reached} or {one.level for one in course.fired[at]}
    gravest = max(reached, key=RISING.index, default=None)
    against = [place for place in range(at, -1, -1) if probe.counts(course.events[place])]
    return Trace(
        detector=probe.called,
        key=course.key,
        event_id=probe.name(event),
        events=at + 1,
        signals=course.fired[at],
        readings=readings,
        needed=tuple(_needed(course, at, readings)),
        counterfactual=without(course, at, gravest, order=against, called="newest first") if gravest else None,
    )


def _needed(course: Course[State, Event], at: int, readings: Sequence[Reading]) -> Iterator[Needed]:
    if not readings and not course.fired[at] and course.probe.counts(course.events[at]):
        yield from _until_told(course, at)
    for one in readings:
        if not one.reached:
            yield Needed(one.level, one.path, _more(course, at, one))


def _until_told(course: Course[State, Event], at: int) -> Iterator[Needed]:
    """For a detector without readings: how many more until it tells something."""
    probe, state = course.probe, course.states[at + 1]
    for number in range(1, MOST_MORE + 1):
        state, signals = probe.detector.step(state, probe.another(course.events[at], number))
        if signals:
            yield Needed(signals[0].level, "", number)
            return


def _more(course: Course[State, Event], at: int, short: Reading) -> int | None:
    probe, state = course.probe, course.states[at + 1]
    wanted = (short.level, short.path)
    for number in range(1, MOST_MORE + 1):
        event = probe.another(course.events[at], number)
        state, _ = probe.detector.step(state, event)
        if any(one.reached and (one.level, one.path) == wanted for one in probe.readings(state, event)):
            return number
    return None


def without(course: Course[State, Event], at: int, level: str, *, order: Sequence[int], called: str) -> Counterfactual:
    """The smallest beginning of `order` without which `level` is not reached, less what it can do without (greedy)."""
    count = _shortest(course, at, level, order)
    chosen = list(order[:count])
    minimal = 0 < len(chosen) <= MOST_PRUNED
    if minimal:
        for place in reversed(order[:count]):
            rest = [one for one in chosen if one != place]
            if rest and not course.stands(at, level, without=frozenset(rest)):
                chosen = rest
    return Counterfactual(
        level, tuple(course.probe.name(course.events[one]) for one in chosen), len(order), called, minimal
    )


def _shortest(course: Course[State, Event], at: int, level: str, order: Sequence[int]) -> int:
    """How long the beginning must be; 0 when all of it is not enough."""
    high = 1
    while high < len(order) and course.stands(at, level, without=frozenset(order[:high])):
        high *= 2
    high = min(high, len(order))
    if not order or course.stands(at, level, without=frozenset(order[:high])):
        return 0
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        if course.stands(at, level, without=frozenset(order[:middle])):
            low = middle
        else:
            high = middle
    return high


def _as_grave(level: str, as_level: str) -> bool:
    return RISING.index(level) >= RISING.index(as_level)
