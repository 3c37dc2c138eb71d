"""event_count: how many events a window holds; which of them count is the rule's `where`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.detectors.rules.state import RuleState
from streams.detectors.rules.window import Extent, Reached, entry, windows, with_entry


@dataclass(frozen=True, slots=True)
class EventCount:
    """Exact, late events included: until a group matches, it holds fewer events per window than the condition asks."""

    extent: Extent
    met: Callable[[float], bool]

    def enter(self, state: RuleState, event: Any, at: float) -> RuleState:
        """Every event counts."""
        return with_entry(state, entry(event, at), self.extent)

    def reached(self, state: RuleState, at: float, since: float) -> Reached | None:
        """The number of events."""
        for end, first, past in windows(state.entries, at, span=self.extent.span, since=since):
            if self.met(past - first):
                return Reached(end, past - first)
        return None
