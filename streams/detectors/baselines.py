"""Fitted priors as versioned records, and which of them holds when; fitting them is prior_fit's."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field

from alerts.record import Record, content_id
from alerts.signal import Scope
from events.event import Instant, Tenant
from streams.detectors.gamma_poisson import Prior

EVERYBODY = "*"
"""The product that stands for all of them."""


class Baseline(Record):
    """What is usual in one product: the prior of a detector, and from when on it is used."""

    id: str
    """`bas_…`, a function of content."""
    detector: str = "repeat_offender"
    """Whose prior it is."""
    scope: Scope = "subject"
    """Whose rates it describes: those of people, sessions or API keys."""
    product: Tenant | Annotated[str, Field(pattern=r"^\*$")]
    """A tenant, or `*`: all of them together."""
    violations: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Gamma prior's shape a."""
    requests: Annotated[float, Field(ge=20, le=200)]
    """Gamma prior's rate b."""
    subjects: Annotated[int, Field(ge=0)]
    """How many it was fitted on."""
    fitted_to: Instant
    """End of the data."""
    holds_from: Instant
    """Events from this time on are judged by it; later than its publication, so that a replay does the same."""

    @classmethod
    def of(cls, prior: Prior, product: str, *, subjects: int, fitted_to: Instant, holds_from: Instant) -> Self:
        """A baseline for people, with the id of its content."""
        draft = cls(
            id="",
            product=product,
            violations=prior.violations,
            requests=prior.requests,
            subjects=subjects,
            fitted_to=fitted_to,
            holds_from=holds_from,
        )
        return draft.identified()

    def identified(self) -> Self:
        """The same with the id of its content; two that differ in anything have different ids."""
        return self.replace(id=content_id("bas", self.model_dump_json(exclude={"id"})))

    @property
    def prior(self) -> Prior:
        """The fitted prior."""
        return Prior(self.violations, self.requests)


@dataclass(frozen=True)
class Baselines:
    """All baselines that a detector was given; which one holds depends on the event, not on the order of arrival."""

    known: tuple[Baseline, ...] = ()
    """In the order in which they come to hold."""

    def with_baseline(self, baseline: Baseline) -> "Baselines":
        """These and one more; the same one again changes nothing."""
        if baseline in self.known:
            return self
        return Baselines(tuple(sorted((*self.known, baseline), key=_rank)))

    def holding(self, product: str, scope: Scope, at: Instant) -> Baseline | None:
        """The newest of the product that holds at that time, else the newest of everybody, else none."""
        return self._newest(product, scope, at) or self._newest(EVERYBODY, scope, at)

    def _newest(self, product: str, scope: Scope, at: Instant) -> Baseline | None:
        fits = (one for one in reversed(self.known) if one.product == product and one.scope == scope)
        return next((one for one in fits if one.holds_from <= at), None)


def _rank(baseline: Baseline) -> tuple[Instant, Instant, str]:
    return baseline.holds_from, baseline.fitted_to, baseline.id
