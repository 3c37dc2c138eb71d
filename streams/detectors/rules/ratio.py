"""ratio: the share of some events among all events of a window; too few events are not judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.detectors.rules.parts import sums, with_amount, with_evidence
from streams.detectors.rules.state import RuleState
from streams.detectors.rules.window import Extent, Reached


@dataclass(frozen=True, slots=True)
class Ratio:
    """Exact for a window between 63 and 64 64ths of the timespan. Evidence are the events that pull the share over."""

    extent: Extent
    met: Callable[[float], bool]
    is_part: Callable[[Any], bool]
    minimum: int
    proves: bool
    """Whether it is events of the part that speak against the subject (`gte`, `gt`), or the others (`lte`, `lt`)."""

    def enter(self, state: RuleState, event: Any, at: float) -> RuleState:
        """Every event counts."""
        part = self.is_part(event)
        entered = with_amount(state, at, self.extent, total=1, part=int(part))
        return with_evidence(entered, event, at, self.extent) if part == self.proves else entered

    def reached(self, state: RuleState, at: float, since: float) -> Reached | None:
        """The share."""
        for one in sums(state, at, extent=self.extent, since=since):
            if one.total >= self.minimum and self.met(one.part / one.total):
                return Reached(one.end, one.part / one.total)
        return None
