"""value_sum: the sum of one field over a window; an event without the field does not count."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.detectors.rules.parts import sums, with_amount, with_evidence
from streams.detectors.rules.state import RuleState
from streams.detectors.rules.window import Extent, Reached


@dataclass(frozen=True, slots=True)
class ValueSum:
    """Never above the true sum, and short of it by what the oldest 64th of the window holds, at most."""

    extent: Extent
    met: Callable[[float], bool]
    value: Callable[[Any], float | None]

    def enter(self, state: RuleState, event: Any, at: float) -> RuleState | None:
        """An event counts with its number."""
        amount = self.value(event)
        if amount is None:
            return None
        return with_evidence(with_amount(state, at, self.extent, total=amount), event, at, self.extent)

    def reached(self, state: RuleState, at: float, since: float) -> Reached | None:
        """The sum."""
        found = sums(state, at, extent=self.extent, since=since)
        return next((Reached(one.end, one.total) for one in found if self.met(one.total)), None)
