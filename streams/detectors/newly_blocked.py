"""Whether a block makes its subject a newly blocked one: one small record per subject; it counts nothing."""

from zlib import crc32

import msgspec

AFTER = 3600.0
"""Seconds without a block after which a subject is new again."""


class LastBlock(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A subject's last block, by whatever filter and in whatever category; about 16 bytes."""

    at: float
    """Event time, epoch seconds."""
    request: int
    """CRC-32 of the request that was blocked."""
    new: bool
    """The subject was new with it: count it once for every filter and category that blocked this request."""


def after_block(last: LastBlock | None, request_id: str, *, at: float) -> LastBlock:
    """The last block with one more, of any category, in the order of the log.

    All blocks of one request are new or none is. A block that comes late makes nobody new.

    >>> first = after_block(None, "r1", at=0.0)
    >>> first.new, after_block(first, "r1", at=0.0).new, after_block(first, "r2", at=60.0).new
    (True, True, False)
    """
    request = crc32(request_id.encode())
    if last is None:
        return LastBlock(at, request, new=True)
    if request == last.request:
        return last
    return LastBlock(max(at, last.at), request, new=at - last.at >= AFTER)
