"""Where a peer runs and how it tells what it has done: two files in its folder; standard library only."""

import mmap
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

_SLOT = struct.Struct("<q")
_PROGRESS, _TRIGGERS = "progress", "triggers"


class Place(NamedTuple):
    """The arguments of a peer's process."""

    mode: str
    """Which of its ways to do the task."""
    bootstrap: str
    topic: str
    group: str
    """Consumer group or application, and the beginning of every topic that the peer makes."""
    partitions: int
    folder: Path

    @classmethod
    def from_arguments(cls, command: Sequence[str] | None = None) -> Self:
        """As `arguments` wrote them behind the command's name; of this process when none is given."""
        mode, bootstrap, topic, group, partitions, folder = (command or sys.argv)[1:]
        return cls(mode, bootstrap, topic, group, int(partitions), Path(folder))

    def arguments(self) -> list[str]:
        """For the command line."""
        return [str(field) for field in self]


class Progress:
    """Events done per branch of the peer's dataflow, in memory that the measuring process reads; triggers in a file."""

    def __init__(self, folder: Path, *, branches: int) -> None:
        path = folder / _PROGRESS
        path.write_bytes(bytes(_SLOT.size * branches))
        with path.open("r+b") as file:
            self._slots = mmap.mmap(file.fileno(), 0)
        self._triggers = folder / _TRIGGERS
        self._done = [0] * branches

    def add(self, events: int = 1, branch: int = 0) -> None:
        """So many more are counted."""
        self.set(self._done[branch] + events, branch)

    def set(self, events: int, branch: int = 0) -> None:
        """So many are counted in all."""
        self._done[branch] = events
        _SLOT.pack_into(self._slots, branch * _SLOT.size, events)

    def trigger(self, subjects: Iterable[str]) -> None:
        """These subjects have reached the limit."""
        lines = "".join(f"{subject}\n" for subject in subjects)
        if lines:
            with self._triggers.open("a", encoding="utf-8") as file:
                file.write(lines)


def events_done(folder: Path) -> int:
    """Events that every branch has done; 0 before the peer has started."""
    try:
        slots = (folder / _PROGRESS).read_bytes()
    except FileNotFoundError:
        return 0
    return min((done for (done,) in _SLOT.iter_unpack(slots)), default=0)


def triggers_in(folder: Path) -> list[str]:
    """The subjects reported so far, in their order."""
    path = folder / _TRIGGERS
    return path.read_text("utf-8").splitlines() if path.exists() else []
