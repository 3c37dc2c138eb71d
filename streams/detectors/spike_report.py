"""A rise of a series while it lasts, and what is told about it to the engineer on call."""

from datetime import timedelta

import msgspec

from alerts.signal import Attribution, Multiplier
from events.keys import EVERYTHING, SeriesKey
from streams.detectors.attribution import PERSONAL, REST, Parts, merged
from streams.detectors.multiplier import multiplier
from streams.detectors.seasonal_baseline import Forecast

_STAGES = {"prompt": "prompts", "completion": "completions", "document": "documents", "tool": "tool results"}
_FILTERS = 4
_TELLING = 0.2
"""How far a share of the excess must be above the former share to be named."""


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
    noise: float = 0.0
    """The variance of their counts' own noise, beyond that of counting: the sum of mean² / size."""
    error: float = 0.0
    """Largest relative standard error of their expectations, which all err alike."""
    log_ratio: float = 0.0
    """The sum of their log-likelihood ratios of the smallest rise that is listened for; above 0 while it lasts."""
    parts: dict[str, dict[str, int]] = {}
    """Their counts by value of every dimension."""

    def with_step(self, count: int, forecast: Forecast, *, log_ratio: float, parts: Parts) -> "Rise":
        """The rise one step further."""
        return Rise(
            self.since,
            self.steps + 1,
            self.seen + count,
            self.expected + forecast.mean,
            self.noise + forecast.mean**2 / forecast.size,
            max(self.error, forecast.error),
            self.log_ratio + log_ratio,
            merged((self.parts, parts)) if parts else self.parts,
        )

    @property
    def times(self) -> Multiplier:
        """The posterior on the multiplier of the expected count."""
        variance = self.noise / self.expected**2 + self.error**2
        return multiplier(self.seen, self.expected, size=1.0 / variance)

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters that flagged it, most frequent first."""
        versions = self.parts.get("filter_version", {})
        told = sorted((version for version in versions if version != REST), key=lambda one: (-versions[one], one))
        return tuple(told[:_FILTERS])


def words(series: SeriesKey, rise: Rise, *, length: timedelta, found: Attribution | None, budget: str) -> str:
    """E.g. `contoso gpt-4o violence on prompts: 58 flagged in 5 minutes where 11.2 were expected …`."""
    minutes = rise.steps * length.total_seconds() / 60
    times = rise.times
    return (
        f"{_place(series)}: {rise.seen} flagged in {minutes:g} minutes where {rise.expected:.1f} were expected "
        f"(about {rise.seen / rise.expected:.1f} times, {times.low:.1f} to {times.high:.1f}), "
        f"{_cause(found, rise.expected)}{budget}"
    )


def _place(series: SeriesKey) -> str:
    model = "all models" if series.model == EVERYTHING else series.model
    category = "all categories" if series.provider_category == EVERYTHING else series.provider_category
    stage = "all stages" if series.stage == EVERYTHING else _STAGES.get(series.stage, series.stage)
    return f"{series.tenant} {model} {category} on {stage}"


def _cause(found: Attribution | None, expected: float) -> str:
    """The value whose share of the excess is most above its former share of everything."""
    if found is None or not found.rows:
        return ""
    kind, rows = "a broad shift", found.rows
    if found.kind == "campaign":
        kind, rows = "one campaign", tuple(row for row in rows if row.dimension in PERSONAL)
    top = max(rows, key=lambda row: row.share - row.expected / expected)
    if top.share - top.expected / expected < _TELLING:
        return f"{kind}, "
    name = top.dimension.replace("_", " ")
    return f"{kind}: {name} {top.value} explains {min(top.share, 1.0):.0%} of the excess, "
