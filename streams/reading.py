"""When a fetched batch may be applied: only if no batch before it can have been dropped. It fetches nothing itself."""

import contextlib
from collections.abc import Iterator


class Reading:
    """A stretch of fetches without a gap, in all partitions; each has a number.

    Faust drops batches whenever a rebalance begins, and may fetch on before it has sought what it dropped. A lane that
    got the later batch would pass over the earlier one for good. So a reading begins when the flow is resumed after the
    committed offsets of open lanes were sought, and ends when the flow stops or lanes are opened. A batch belongs to
    the reading in which its fetch began, and counts only while that lasts. Outside a reading nothing may be fetched:
    it would move the position that was sought.
    """

    def __init__(self) -> None:
        self._number = 0
        self._sought = self._on = False
        self._opening = 0

    @property
    def number(self) -> int | None:
        """The reading that is on; None while there is none."""
        return self._number if self._on else None

    def end(self) -> None:
        """Whatever was fetched or sought so far counts no more."""
        self._number += 1
        self._sought = self._on = False

    @contextlib.contextmanager
    def opening(self) -> Iterator[None]:
        """Lanes are opened in this block: what is sought before its end may not be where they stand."""
        self.end()
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            self.end()

    @contextlib.contextmanager
    def seeking(self) -> Iterator[None]:
        """Every partition is brought to its committed offset in this block, and nothing is being fetched."""
        before = self._number
        yield
        self._sought = self._number == before

    def resume(self) -> None:
        """The flow goes on; a reading begins if the last seek was not overtaken."""
        self._on = self._sought and not self._opening
