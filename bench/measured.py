"""What one run measured, and the middle of several; the numbers come from the kernel's books of a process."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one contender."""

    events: int
    seconds: float
    """Wall time in which they were done."""
    cpu_seconds: float
    """User and system time of the measured processes, all their threads; the broker's is not in it."""
    peak_bytes: int
    """Largest resident set, summed over the measured processes."""
    check: str
    """What was checked, in words; starts with `wrong` when it does not hold."""

    @property
    def correct(self) -> bool:
        """Every check held."""
        return not self.check.startswith("wrong")

    @property
    def events_per_second(self) -> float:
        """Throughput by the wall clock."""
        return self.events / self.seconds

    @property
    def cpu_seconds_per_million(self) -> float:
        """What a million events cost; hardly depends on what else the machine does."""
        return self.cpu_seconds / self.events * 1e6


@dataclass(frozen=True, slots=True)
class Median:
    """The medians of several runs, each number by itself."""

    events_per_second: float
    cpu_seconds_per_million: float
    peak_bytes: float
    check: str
    runs: int
    events: int
    """Of one run."""

    @classmethod
    def of(cls, runs: Sequence[Measured]) -> Self:
        """At least one run; a wrong one's check is shown before any other."""
        wrong = [one.check for one in runs if not one.correct]
        return cls(
            median(one.events_per_second for one in runs),
            median(one.cpu_seconds_per_million for one in runs),
            median(one.peak_bytes for one in runs),
            (wrong or [runs[-1].check])[0],
            len(runs),
            runs[-1].events,
        )


def cpu_seconds(pid: int) -> float:
    """User and system time of a running process and those below it so far, in steps of the kernel's tick (10 ms)."""
    return _own_cpu_seconds(pid) + sum(map(cpu_seconds, _children(pid)))


def peak_bytes(pid: int) -> int:
    """Largest resident sets of a running process and those below it so far, summed."""
    return _own_peak_bytes(pid) + sum(map(peak_bytes, _children(pid)))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text("ascii").split()]


def _own_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _own_peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
