"""What the evidence against one key amounts to: its level and the number behind it; it writes no sentence."""

from math import log
from typing import NamedTuple

from alerts.signal import Scope, Statistic
from events.event import Instant
from policy.ladder import LEVELS, Level
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.baselines import Baselines
from streams.detectors.gamma_poisson import Prior, exceedance

RESTRICT = 2


class Yardstick(NamedTuple):
    """The prior that a key is measured by, and the baseline that it is from."""

    prior: Prior
    baseline: str | None = None
    """None: the policy's own prior."""


class Finding(NamedTuple):
    """The evidence of both paths."""

    level: int
    """0 none, 1 review, 2 restrict, 3 block."""
    probability: float
    """Posterior probability that the rate is above the permitted one."""
    log_e: float
    """ln of the mixture e-CUSUM; 0 where it is not kept."""
    by_turn: bool
    """The level is owed to the e-CUSUM alone."""
    yardstick: Yardstick

    @property
    def name(self) -> Level:
        """The level's name; there must be one."""
        return LEVELS[self.level - 1]

    def is_due(self, told: int, unsignalled: int, *, again_after: int) -> bool:
        """Whether it must be told: for the first time at its level, or again while it goes on."""
        return self.level > told or (self.level >= RESTRICT and unsignalled >= again_after)

    def held(self, told: int) -> int:
        """The highest level told; below review all levels re-arm."""
        return max(self.level, told) if self.level else 0


def yardstick(
    policy: RepeatOffenderPolicy, baselines: Baselines, *, scope: Scope, tenant: str, at: Instant
) -> Yardstick:
    """The baseline that holds for the tenant at that time, else the policy's prior."""
    baseline = baselines.holding(tenant, scope, at) if baselines.known else None
    if baseline is None:
        return Yardstick(Prior(policy.prior_violations, policy.prior_requests))
    return Yardstick(baseline.prior, baseline.id)


def finding(
    policy: RepeatOffenderPolicy, by: Yardstick, *, weights: tuple[float, float], violations: int, log_e: float = 0.0
) -> Finding:
    """Judge a key by both paths; `weights`: its violations and requests decayed to the same moment."""
    probability = exceedance(
        *weights,
        prior_violations=by.prior.violations,
        prior_requests=by.prior.requests,
        rate=policy.permitted_rate,
    )
    level = _level(policy, probability, violations)
    turned = log_e >= log(policy.turned_at)
    return Finding(max(level, RESTRICT * turned), probability, log_e, turned and level < RESTRICT, by)


def statistic(policy: RepeatOffenderPolicy, found: Finding) -> Statistic:
    """The number that crossed, and its bound."""
    if found.by_turn:
        return Statistic(name="ln mixture e-CUSUM", value=found.log_e, threshold=log(policy.turned_at))
    return Statistic(
        name=f"P(block rate > {policy.permitted_rate:g})",
        value=found.probability,
        threshold=(policy.review_at, policy.restrict_at, policy.block_at)[found.level - 1],
    )


def _level(policy: RepeatOffenderPolicy, probability: float, violations: int) -> int:
    if probability >= policy.block_at and violations >= policy.block_min_violations:
        return LEVELS.index("block") + 1
    return (probability >= policy.review_at) + (probability >= policy.restrict_at)
