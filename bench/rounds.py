"""Who runs when: round after round, so that a machine that changes changes for everybody; it measures nothing."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.contender import Contender, Site
from bench.errors import BenchError, Unavailable
from bench.measured import Measured

_AIR = 1.25


@dataclass(frozen=True, slots=True)
class Plan:
    """How often, and until when."""

    repeat: int
    """Runs of each contender, at most."""
    ends: float
    """By the clock: no run but a contender's first is started that would probably end after this time."""
    clock: Callable[[], float]
    """Monotonic seconds."""

    def has_room_for(self, seconds: float) -> bool:
        """Whether a run that took so long the last time fits in, with some air."""
        return self.clock() + _AIR * seconds <= self.ends


@dataclass(frozen=True, slots=True)
class Runs:
    """What the contenders did, by name and in the order given."""

    measured: dict[str, list[Measured]]
    failed: dict[str, BenchError]
    """Why a contender was not measured, or not again; one that has failed is not started again."""

    @property
    def correct(self) -> bool:
        """Every check held, and whoever was not measured is not available here."""
        checks = all(one.correct for measured in self.measured.values() for one in measured)
        return checks and all(isinstance(error, Unavailable) for error in self.failed.values())


async def run_rounds(
    contenders: Sequence[Contender], site: Site, plan: Plan, *, on_run: Callable[[str, Measured | BenchError], None]
) -> Runs:
    """Every contender once, then again while the plan has room; a failure ends one contender and not the others."""
    runs = Runs({one.name: [] for one in contenders}, {})
    took: dict[str, float] = {}
    for number in range(plan.repeat * len(contenders)):
        one = contenders[number % len(contenders)]
        if one.name in runs.failed or (one.name in took and not plan.has_room_for(took[one.name])):
            continue
        started = plan.clock()
        own = site.for_run(number)
        try:
            measured = await one.run(own)
        except BenchError as error:
            runs.failed[one.name] = error
            on_run(one.name, error)
            continue
        finally:
            shutil.rmtree(own.folder)
        took[one.name] = plan.clock() - started
        runs.measured[one.name].append(measured)
        on_run(one.name, measured)
    return runs
