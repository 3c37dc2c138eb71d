"""Which events were seen already: exact removal of duplicates, one bucket of hashes per minute of event time.

Two events of one minute are confused with a chance of n² / 2⁶⁵: below 3 in a million at ten million events a minute.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from hashlib import blake2b
from struct import Struct
from typing import Final

from events.errors import BucketError

_HASH: Final = Struct("<Q")


def event_hash(tenant: str, event_id: str) -> int:
    """64 unsigned bits that stand for one event, the same in every process. About half a microsecond."""
    return int.from_bytes(blake2b(f"{tenant}|{event_id}".encode(), digest_size=8).digest(), "little")


def event_hashes(names: Iterable[bytes]) -> bytes:
    """`event_hash` of many events, each named `tenant|event_id` in UTF-8: eight bytes each, little-endian."""
    return b"".join([blake2b(name, digest_size=8).digest() for name in names])


class Seen:
    """A bounded set of event hashes. `minute` is minutes since 1970 in event time, `int(at.timestamp()) // 60`.

    Holds at most `limit` hashes, about 140 bytes each; past it the oldest minutes are forgotten, and a duplicate from
    there would count again. `forgotten` counts the hashes that were lost so: it must stay zero, watch it.
    """

    def __init__(self, limit: int = 10_000_000) -> None:
        self._buckets: dict[int, set[int]] = {}
        self._limit = limit
        self._size = 0
        self.forgotten = 0

    def __len__(self) -> int:
        return self._size

    def add(self, minute: int, event_hash: int) -> bool:
        """Remember an event; True when it is new. Drop late events before asking: old minutes are forgotten."""
        bucket = self._buckets.get(minute)
        if bucket is None:
            bucket = self._buckets[minute] = set()
        elif event_hash in bucket:
            return False
        bucket.add(event_hash)
        self._size += 1
        if self._size > self._limit:
            self._make_room()
        return True

    def add_all(self, groups: Mapping[int, Set[int]]) -> bool:
        """Remember events by minute; True when all are new. Else nothing is remembered: ask for one after the other."""
        buckets = self._buckets
        if any(minute in buckets and not buckets[minute].isdisjoint(hashes) for minute, hashes in groups.items()):
            return False
        for minute, hashes in groups.items():
            buckets.setdefault(minute, set()).update(hashes)
            self._size += len(hashes)
        while self._size > self._limit:
            self._make_room()
        return True

    def forget_before(self, minute: int) -> None:
        """Forget every minute before `minute`: the watermark less the lateness allowed."""
        for old in [known for known in self._buckets if known < minute]:
            self._size -= len(self._buckets.pop(old))

    def minutes(self) -> Iterator[int]:
        """The minutes that hold anything, oldest first."""
        yield from sorted(self._buckets)

    def dump(self, minute: int) -> bytes:
        """One minute as packed little-endian 64-bit hashes, in ascending order; b"" for an unknown minute."""
        hashes = sorted(self._buckets.get(minute, ()))
        return Struct(f"<{len(hashes)}Q").pack(*hashes)

    def load(self, minute: int, packed: bytes) -> None:
        """Add what `dump` wrote to what is there. Raises BucketError for bytes that are not whole hashes."""
        if len(packed) % _HASH.size:
            raise BucketError(minute)
        for (hashed,) in _HASH.iter_unpack(packed):
            self.add(minute, hashed)

    def _make_room(self) -> None:
        lost = len(self._buckets.pop(min(self._buckets)))
        self._size -= lost
        self.forgotten += lost
