"""The contract of every detector: frozen config, plain state, one pure step."""

from typing import Protocol, TypeVar

from alerts.signal import Signal

State = TypeVar("State")
Event = TypeVar("Event", contravariant=True)


class Detector(Protocol[State, Event]):
    """A detector is called once per event of its key, in the order of the log.

    It reads no clock, keeps nothing outside `state`, and is O(1) per step; `state` is JSON-able
    (a frozen msgspec Struct) and is never changed in place.
    """

    def initial(self, key: str) -> State:
        """The state of a key that was never seen."""
        ...

    def step(self, state: State, event: Event) -> tuple[State, tuple[Signal, ...]]:
        """Apply one event. The same state and event give the same result, ids included."""
        ...
