"""What a measurement is, and what it is told; it measures nothing itself."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Self

import msgspec

from bench.child import answer_of
from bench.scale.results import Results


@dataclass(frozen=True, slots=True)
class Scale:
    """How large, and where."""

    broker: str
    """`apache`, `embedded` or `host:port`."""
    subjects: int = 1_000_000
    verdicts: int = 100_000_000
    """Stored rows for the rollup queries."""
    minutes: float = 30.0
    """After this time no more rows are stored; the queries run on those that are there."""
    seconds: float = 60.0
    """Length of a measurement under load."""

    def sized(self, share: float) -> Self:
        """The same with fewer subjects and verdicts."""
        return replace(self, subjects=round(self.subjects * share), verdicts=round(self.verdicts * share))

    def steps(self, most: int) -> list[int]:
        """Decades up to `most`, which is the last: 10,000, 100,000, 1,000,000."""
        return [most // 100, most // 10, most]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One of them, by name."""

    name: str
    run: Callable[[Scale], Coroutine[Any, Any, Results]]


async def from_child(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What `python -m bench.scale.MODULE ARGUMENTS` prints as JSON; a process of its own has a heap of its own."""
    with NamedTemporaryFile(prefix="watchfloor-scale-") as log:
        words: Sequence[str] = [f"bench.scale.{module}", *map(str, arguments)]
        found: dict[str, Any] = msgspec.json.decode(await answer_of(words, env or {}, Path(log.name)))
        return found
