"""Takes back what an embedded ClickHouse noted of parts that it was killed before it had.

ClickHouse notes the token of a part in the table's deduplication log and then gives the part its name. Killed between
the two it knows the token and has no rows: the table, or one rollup of it, would refuse them for ever. A replicated
table does both at once; of a plain table only whoever has its files can tell.
"""

import fcntl
import os
import re
from pathlib import Path

import structlog

log = structlog.get_logger()

_PART = re.compile(r"([^_]+)_(\d+)_(\d+)_\d+(?:_\d+)?")
"""Partition, first and last block, level and mutation: the name of a part."""


def forget_lost_parts(folder: Path) -> int:
    """Before ClickHouse opens `folder`: make it take again what it lost when it was killed; how many tables that were.

    Does nothing after an orderly end, and nothing while another process has the folder open.
    """
    try:
        with (folder / "status").open("rb") as status:  # there, and locked, while ClickHouse runs; gone when it ends
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lost = sum(_forget(notes) for notes in folder.glob("store/*/*/deduplication_logs"))
    except (FileNotFoundError, BlockingIOError):
        return 0
    if lost:
        log.info("lost_parts_forgotten", tables=lost)
    return lost


def _forget(notes: Path) -> bool:
    """Only the last note can be of a lost part: a table takes one at a time."""
    files = sorted(notes.glob("deduplication_log_*.txt"), key=lambda file: int(file.stem.rpartition("_")[2]))
    newest = next((file for file in reversed(files) if file.stat().st_size), None)
    if newest is None:
        return False
    last = newest.read_bytes().splitlines(keepends=True)[-1]
    if last.endswith(b"\n") and not _is_lost(
        last.decode("utf-8", "replace"), {part.name for part in notes.parent.iterdir()}
    ):
        return False
    os.truncate(newest, newest.stat().st_size - len(last))
    return True


def _is_lost(note: str, parts: set[str]) -> bool:
    """Whether the note says that a part was added and neither it nor one that it was merged into is there."""
    operation, _, rest = note.partition("\t")
    added = _PART.fullmatch(rest.partition("\t")[0])
    if operation != "1" or added is None:
        return False
    partition, block = added[1], int(added[2])
    there = [part for part in map(_PART.fullmatch, parts) if part is not None]
    return not any(part[1] == partition and int(part[2]) <= block <= int(part[3]) for part in there)
