"""What observers publish about series: running totals (never deltas, so repeats are harmless), scores, watermarks."""

import msgspec

from broker.progress import Progress


class SeriesCount(msgspec.Struct, frozen=True, tag="count", gc=False):
    """The running total of one series in one minute, as one source partition has seen it so far."""

    series: str
    minute: int
    """Minutes since the epoch."""
    source: int
    """The source partition; totals of different sources add up."""
    evaluated: int
    flagged: int
    """Detected, blocked or masked."""
    blocked: int
    parts: dict[str, dict[str, int]] = {}
    """Dimension → value → flagged so far; the most frequent values only."""


class Tally(msgspec.Struct, frozen=True, tag="tally", gc=False):
    """A running total of one minute that is no series: of a filter, an api key or an activity."""

    kind: str
    """`filter`, `key` or `activity`."""
    key: str
    minute: int
    """Minutes since the epoch."""
    source: int
    counts: tuple[int, ...]
    """What is counted depends on the kind; every number only grows."""


class LinkEvidence(msgspec.Struct, frozen=True, tag="link", gc=False):
    """The latest e-value of one subject, for everybody who shares a link with it; 0 when it first shows the link."""

    link: str
    """`tenant|kind:hash`."""
    subject: str
    at: float
    """Event time, seconds since the epoch."""
    log_e: float
    source: int
    offset: int


class SeriesScore(msgspec.Struct, frozen=True, tag="score", gc=False):
    """One score of one series; `source` and `offset` tell a repetition."""

    series: str
    event_id: str
    at: float
    """Event time, seconds since the epoch."""
    value: float
    """In [0, 1]; 1 is good."""
    source: int
    offset: int


class Watermark(msgspec.Struct, frozen=True, tag="watermark", gc=False):
    """One source partition promises nothing older than `at`, or says that it has nothing to read."""

    source: int
    at: float
    """Highest event time seen minus the lateness allowed, seconds since the epoch."""
    idle: bool
    clock: float = 0.0
    """While it is idle, the time of saying minus the lateness allowed: silence has no event time of its own."""


class NewBaseline(msgspec.Struct, frozen=True, tag="baseline", gc=False):
    """A fitted prior that an observer has read, for the detector lane of its partition."""

    json: str


Published = SeriesCount | SeriesScore | Tally | LinkEvidence | NewBaseline | Progress | Watermark
ENCODE = msgspec.json.Encoder().encode
DECODE = msgspec.json.Decoder(Published).decode


def key_of(told: SeriesCount | Tally | LinkEvidence) -> str:
    """The record key: everything about one series, total or link meets in one partition."""
    match told:
        case SeriesCount():
            return told.series
        case LinkEvidence():
            return told.link
    return told.key if told.kind != "filter" else told.key.rpartition("|")[0]


class Watermarks(msgspec.Struct, gc=False):
    """The latest watermark per source, and the time up to which all active sources have been read."""

    sources: dict[int, Watermark] = {}
    awaited: int = 0
    """How many sources must have spoken before the time moves: what a silent one holds back would else come late."""
    at: float = 0.0
    """Nothing older than this is waited for; never falls."""
    quiet_at: float = 0.0
    """As `at`, but the clock moves it on while all sources are idle: for those who wait for what does not come."""

    def advance(self, mark: Watermark) -> bool:
        """Take a source's watermark in. True when the common one has moved."""
        before = self.sources.get(mark.source)
        if before is not None and mark.at < before.at:
            mark = Watermark(mark.source, before.at, mark.idle)
        self.sources[mark.source] = mark
        if len(self.sources) < self.awaited:
            return False
        active = [one.at for one in self.sources.values() if not one.idle]
        reached = max(self.at, min(active, default=self.at))
        moved, self.at = reached > self.at, reached
        quiet = 0.0 if active else min(one.clock for one in self.sources.values())
        self.quiet_at = max(self.quiet_at, reached, quiet)
        return moved
