"""What is remembered of a filter in one category: what is usual, and how each version does; it judges nothing."""

import msgspec

from streams.detectors.shiryaev_roberts import Evidence

MOST_VERSIONS = 4


class Sums(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Verdicts of some time, decayed or not."""

    evaluated: float = 0.0
    blocked: float = 0.0
    subjects: float = 0.0
    """Newly blocked subjects."""

    def plus(self, evaluated: float, blocked: float, subjects: float, *, kept: float = 1.0) -> "Sums":
        """The sums with one step more, what was before weighing `kept`."""
        return Sums(self.evaluated * kept + evaluated, self.blocked * kept + blocked, self.subjects * kept + subjects)

    @property
    def rate(self) -> float:
        """Blocked verdicts per evaluated one."""
        return self.blocked / self.evaluated if self.evaluated else 0.0


NOTHING = Sums()


class Jump(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was seen and expected since a jump began."""

    since: int
    """Start of its first step, epoch seconds: Page's estimate of where a change began."""
    seen: Sums = NOTHING
    expected: float = 0.0
    """Newly blocked subjects that the reference gives for them."""


class Version(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One version of the filter."""

    name: str
    """Empty where it is unknown."""
    at: int
    """Start of its last step, epoch seconds."""
    evidence: Evidence = ()
    """ln(1 + R) per multiplier; empty is zero."""
    recent: Sums = NOTHING
    """Decayed within minutes: how it does now."""
    jump: Jump | None = None
    """The jump under way."""
    frozen: int = 0
    """Seconds for which nothing was learnt from it."""
    told: bool = False
    """Its jump was told, and is not over."""


class FilterState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One filter and category; at most four versions, those seen last."""

    at: int = 0
    """Start of the latest step learnt, epoch seconds."""
    learnt: int = 0
    """Seconds with verdicts that were learnt."""
    usual: Sums = NOTHING
    """The reference: decayed sums over all versions that do not jump."""
    versions: tuple[Version, ...] = ()
    """Newest step first."""
