"""value_count: how many different values of one field a window holds; an event without the field does not count."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from streams.detectors.rules.state import RuleState
from streams.detectors.rules.window import Extent, Reached, distinct, entry, thinned, with_entry


@dataclass(frozen=True, slots=True)
class ValueCount:
    """Exact, late events included, but for two values with one 64-bit hash (n² / 2⁶⁵ for n values)."""

    extent: Extent
    met: Callable[[float], bool]
    value: Callable[[Any], object]

    def enter(self, state: RuleState, event: Any, at: float) -> RuleState | None:
        """An event counts by its value; of each value only the events that a window may need are kept."""
        value = self.value(event)
        if value is None:
            return None
        new = entry(event, at, _hash(value))
        entered = with_entry(state, new, self.extent)
        return replace(entered, entries=thinned(entered.entries, new, span=self.extent.span, since=state.spent))

    def reached(self, state: RuleState, at: float, since: float) -> Reached | None:
        """The number of different values."""
        found = distinct(state.entries, at, span=self.extent.span, since=since)
        return next((window for window in found if self.met(window.value)), None)


def _hash(value: object) -> int:
    return int.from_bytes(blake2b(str(value).encode(), digest_size=8).digest(), "little")
