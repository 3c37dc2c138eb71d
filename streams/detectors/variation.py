"""Whether one prompt varies another, from keyed hashes of their shingles; it never sees text.

Source: Broder, On the resemblance and containment of documents (1997): the smallest hashes of a set are a uniform
sample of it, and of a union. Shingle hashes are keyed, hence already uniform: nothing is hashed again.
"""

from collections.abc import Iterable
from struct import pack, unpack

KEPT = 64
"""Smallest hashes kept: up to as many distinct shingles in both prompts together the resemblance is exact; beyond,
its standard error is at most 0.0625."""

Sketch = bytes
"""The smallest distinct 32-bit hashes, ascending, four bytes each; empty where none were sent."""


def sketch(shingles: Iterable[int]) -> Sketch:
    """At most `4 * KEPT` bytes for any number of 32-bit hashes.

    >>> len(sketch(range(100_000))), sketch([])
    (256, b'')
    """
    smallest = sorted(set(shingles))[:KEPT]
    return pack(f"<{len(smallest)}I", *smallest)


def resemblance(one: Sketch, other: Sketch) -> float:
    """Estimated Jaccard similarity of the two sets of shingles, unbiased; 0 where either sent none.

    >>> round(resemblance(sketch(range(40)), sketch(range(10, 50))), 2)
    0.6
    """
    if not (one and other):
        return 0.0
    left, right = _hashes(one), _hashes(other)
    sample = sorted(left | right)[:KEPT]
    shared = left & right
    return sum(value in shared for value in sample) / len(sample)


def _hashes(packed: Sketch) -> set[int]:
    return set(unpack(f"<{len(packed) // 4}I", packed))
