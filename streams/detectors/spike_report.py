"""A rise of a series while it lasts, and the sentence about it for the engineer on call."""

import msgspec

from alerts.signal import SeriesLevel
from events import SeriesKey
from policy.detectors import CategorySpikePolicy
from policy.duration import spell

_STAGES = {"prompt": "prompts", "completion": "completions", "document": "documents", "tool": "tool results"}


class Rise(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was seen and what was expected since a rise began."""

    since: int
    """Start of its first step, epoch seconds."""
    steps: int = 0
    """Steps since then, the present one included."""
    seen: int = 0
    """Their counts."""
    expected: float = 0.0
    """Their expected counts."""

    def with_step(self, count: int, expected: float) -> "Rise":
        """The rise one step further."""
        return Rise(self.since, self.steps + 1, self.seen + count, self.expected + expected)


def words(series: SeriesKey, rise: Rise, *, policy: CategorySpikePolicy, level: SeriesLevel) -> str:
    """E.g. `contoso gpt-4o violence on prompts: 58 flagged in 5 minutes where 11.2 were expected …`."""
    where = f"{series.tenant} {series.model} {series.provider_category} on {_STAGES.get(series.stage, series.stage)}"
    minutes = rise.steps * policy.step.total_seconds() / 60
    every = spell(policy.page_every if level == "page" else policy.ticket_every)
    return (
        f"{where}: {rise.seen} flagged in {minutes:g} minutes where {rise.expected:.1f} were expected "
        f"(about {rise.seen / rise.expected:.1f} times), {level} budget one per {every}"
    )
