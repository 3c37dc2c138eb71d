"""temporal: all the steps of a rule in one window, in any order; one event may be several steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from streams.detectors.rules.state import RuleState
from streams.detectors.rules.window import Extent, Reached, distinct, entry, thinned, with_entry


@dataclass(frozen=True, slots=True)
class Temporal:
    """Exact, late events included: the count of different steps."""

    extent: Extent
    steps: tuple[Callable[[Any], bool], ...]

    def enter(self, state: RuleState, event: Any, at: float) -> RuleState | None:
        """An event counts once for every step that it is."""
        entered = state
        for step, is_step in enumerate(self.steps):
            if is_step(event):
                new = entry(event, at, step)
                entered = with_entry(entered, new, self.extent)
                spare = thinned(entered.entries, new, span=self.extent.span, since=state.spent)
                entered = replace(entered, entries=spare)
        return None if entered is state else entered

    def reached(self, state: RuleState, at: float, since: float) -> Reached | None:
        """A window that holds every step."""
        found = distinct(state.entries, at, span=self.extent.span, since=since)
        return next((window for window in found if window.value == len(self.steps)), None)
