"""What was done to one subject, and undone: decisions, lifts, rehearsed measures. It decides nothing."""

from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.decision import MEASURES, Decision, Held, Lift, Measure
from alerts.record import Record
from events.event import Pseudonym, Tenant
from policy.mode import Mode


class Rung(NamedTuple):
    """A rung of the ladder that a subject has climbed, or would have climbed."""

    step: int
    measure: Measure
    at: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether the measure has not ended by itself at `now`."""
        return self.until is None or self.until > now

    def covers(self, measure: Measure) -> bool:
        """Whether it is as grave as `measure`, or graver."""
        return MEASURES.index(self.measure) >= MEASURES.index(measure)


class History(Record):
    """The past that a decision looks at. Every list is oldest first."""

    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The subject."""
    decisions: tuple[Decision, ...] = ()
    """Decisions that still matter: in force, appealable, or remembered by the ladder."""
    lifts: tuple[Lift, ...] = ()
    """What was undone; at most one per decision."""
    rehearsed: tuple[Held, ...] = ()
    """Measures that observe mode would have taken, so that it climbs the ladder as enforce mode does."""

    def decision(self, decision_id: str) -> Decision | None:
        """The decision of that id, if it is kept."""
        return next((one for one in self.decisions if one.id == decision_id), None)

    def lift_of(self, decision_id: str) -> Lift | None:
        """What undid that decision, if anything did."""
        return next((one for one in self.lifts if one.decision_id == decision_id), None)

    def unlifted(self) -> tuple[Decision, ...]:
        """Decisions that nobody has undone, ended or not."""
        return tuple(one for one in self.decisions if self.lift_of(one.id) is None)

    def in_force(self, now: datetime) -> tuple[Decision, ...]:
        """Decisions that are neither undone nor ended at `now`."""
        return tuple(one for one in self.unlifted() if one.until is None or one.until > now)

    def rungs(self, mode: Mode) -> tuple[Rung, ...]:
        """What counts as climbed in a mode: decisions not undone, and in observe mode what it would have done."""
        taken = tuple(Rung(one.step, one.measure, one.at, one.until) for one in self.unlifted())
        if mode != "observe":
            return taken
        return taken + tuple(
            Rung(one.step, one.would, one.at, one.until)
            for one in self.rehearsed
            if one.would is not None and one.step is not None
        )

    def last_step(self, mode: Mode, now: datetime, *, memory: timedelta) -> int | None:
        """Index of the highest rung climbed within `memory` before `now`; None: none, so a warning is due."""
        return max((rung.step for rung in self.rungs(mode) if now - rung.at < memory), default=None)
