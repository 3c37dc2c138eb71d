"""Keeps memory that a process needs again and again; Python and Arrow would give it back and ask for it anew."""

from typing import Final

import pyarrow as pa

_OBJECTS: Final = 200_000
"""About the records that an archiver holds at once."""
_BYTES: Final = 400
"""The size of a record; Python takes memory for objects of up to 512 bytes in arenas of 1 MiB."""
_EVERY: Final = 1_000
"""Of so many objects one is kept: at least two in each arena."""

_kept: list[bytes] = []


def keep_memory() -> None:
    """Keep what batches are made of, 90 MB; both parts are measured in docs/performance.md.

    An arena goes back to the system when it is empty, and comes again as pages that must be cleared first; so a small
    object stays in each. Arrow takes its columns from the C library, which keeps what is freed, not from mimalloc.
    """
    _kept.extend([bytes(_BYTES) for _ in range(_OBJECTS)][::_EVERY])
    pa.set_memory_pool(pa.system_memory_pool())
