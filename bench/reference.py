"""What the right answer is: the task done once in plain Python, by nobody whom it is compared with."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from bench.peers.reading import Reading
from bench.peers.task import Counts
from bench.workload import Workload


@lru_cache(maxsize=4)
def triggers(workload: Workload) -> frozenset[str]:
    """The subjects that reach the limit; some seconds for a million events, once."""
    counts, decode = Counts(), msgspec.json.Decoder(Reading).decode
    for event in workload.part(0, workload.events):
        counts.add(decode(event.value))
    return frozenset(counts.triggers)


def compared(found: Sequence[str], expected: frozenset[str]) -> str:
    """In words, whether exactly the expected subjects were reported, each once."""
    missing, extra = expected.difference(found), set(found) - expected
    twice = sum(times - 1 for times in Counter(found).values())
    if missing or extra or twice:
        return f"wrong: of {len(expected):,} triggers {len(missing):,} missing, {len(extra):,} extra, {twice:,} twice"
    return f"{len(expected):,} triggers right"
