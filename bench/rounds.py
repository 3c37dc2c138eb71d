"""Who runs when: round after round, so that a machine that changes changes for everybody; it measures nothing."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.contender import Contender, Site
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


async def run_rounds(
    contenders: Sequence[Contender], site: Site, plan: Plan, *, on_run: Callable[[str, Measured], None]
) -> dict[str, list[Measured]]:
    """The runs of each contender, by name and in the order given. Raises what a contender raises."""
    runs: dict[str, list[Measured]] = {one.name: [] for one in contenders}
    took: dict[str, float] = {}
    for number in range(plan.repeat * len(contenders)):
        one = contenders[number % len(contenders)]
        if one.name in took and not plan.has_room_for(took[one.name]):
            continue
        started = plan.clock()
        own = site.for_run(number)
        measured = await one.run(own)
        shutil.rmtree(own.folder)
        took[one.name] = plan.clock() - started
        runs[one.name].append(measured)
        on_run(one.name, measured)
    return runs
