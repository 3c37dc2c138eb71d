"""When every subject of one partition was last blocked, so that the newly blocked ones can be counted."""

from collections.abc import Iterable

import msgspec

from streams.detectors.newly_blocked import AFTER, LastBlock, after_block


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One subject, up to and including offset `applied` of the verdicts."""

    applied: int
    last: LastBlock


class Blocks:
    """The last block of every subject, by `tenant|subject`; forgotten when the next one would be new anyway."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._dirty: set[str] = set()
        self._forgotten: list[str] = []

    def __len__(self) -> int:
        return len(self._kept)

    def is_new(self, key: str, offset: int, *, request_id: str, at: float) -> bool:
        """Take a block in; True where it makes the subject a newly blocked one. A repetition does not."""
        kept = self._kept.get(key)
        if kept is not None and offset <= kept.applied:
            return False
        last = after_block(kept.last if kept else None, request_id, at=at)
        self._kept[key] = Kept(offset, last)
        self._dirty.add(key)
        return last.new

    def forget_before(self, watermark: float) -> None:
        """Drop subjects whose next block is new whatever they did, seconds since the epoch."""
        for key in [key for key, kept in self._kept.items() if kept.last.at < watermark - AFTER]:
            del self._kept[key]
            self._dirty.discard(key)
            self._forgotten.append(key)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed and the forgotten subjects; clears the marks."""
        encode = msgspec.msgpack.encode
        records: list[tuple[bytes, bytes | None]] = [
            (b"b|" + key.encode(), encode(self._kept[key])) for key in self._dirty
        ]
        records.extend((b"b|" + key.encode(), None) for key in self._forgotten if key not in self._kept)
        self._dirty.clear()
        self._forgotten.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        if value is None:
            self._kept.pop(key.decode(), None)
        else:
            self._kept[key.decode()] = msgspec.msgpack.decode(value, type=Kept)
