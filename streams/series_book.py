"""What is known of one series in steps of every length: plain values; judging them is Spikes'."""

import msgspec

from streams.detectors.attribution import merged
from streams.detectors.category_spike import SpikeState


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one source has told of a minute, or what all have of several minutes."""

    flagged: int = 0
    parts: dict[str, dict[str, int]] = {}


class Track(msgspec.Struct, array_like=True, gc=False):
    """One series in steps of one length, as far as its minutes are closed."""

    spike: SpikeState
    """The detector's state at the last closed step."""
    next_step: int
    partial_step: int = 0
    partial: Seen = Seen()
    """The closed minutes of a step that is still open."""


class SeriesBook(msgspec.Struct, array_like=True, gc=False):
    """One series; its open minutes and its weeks of history are kept in records of their own."""

    tracks: dict[int, Track] = {}
    """Minutes per step → its track."""
    closed: int | None = None
    """Minutes before this one no longer count; nothing was closed while it is null."""
    emitted: tuple[str, ...] = ()


def summed(many: list[Seen]) -> Seen:
    """What several sources or minutes have told, as one."""
    return Seen(sum(one.flagged for one in many), merged(one.parts for one in many if one.parts))
