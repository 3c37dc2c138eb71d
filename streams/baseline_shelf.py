"""The baselines that one partition has been told of: each is used once and stored once; it judges by none of them."""

from collections.abc import Callable, Iterable

from streams.detectors.baselines import Baseline


class BaselineShelf:
    """Calls `use` with every new baseline, whether its topic or the state tells of it."""

    prefix = b"w|"
    """Of the state records."""

    def __init__(self, use: Callable[[Baseline], None]) -> None:
        self._use = use
        self._known: set[str] = set()
        self._new: list[Baseline] = []

    def take(self, value: bytes) -> bool:
        """A baseline as JSON. False for what cannot be read: then the priors in force stay."""
        try:
            baseline = Baseline.model_validate_json(value)
        except ValueError:
            return False
        if baseline.id not in self._known:
            self._known.add(baseline.id)
            self._new.append(baseline)
            self._use(baseline)
        return True

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the baselines that are new since the last call."""
        new, self._new = self._new, []
        return [(self.prefix + one.id.encode(), one.model_dump_json().encode()) for one in new]

    def restore(self, _key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        if value is not None and self.take(value):
            self._new.clear()
