"""The repeat-offender detector for API keys, on closed minutes: a key's events lie in many partitions."""

from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Signal
from events import SubjectKey
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.baselines import Baseline, Baselines
from streams.detectors.decay import add_many
from streams.detectors.offender_finding import Finding, finding, statistic, yardstick
from streams.detectors.offender_report import Account, four_numbers, words


class KeyMinute(NamedTuple):
    """What one API key did in one closed minute, summed over all partitions."""

    key: str
    """`tenant|api_key`."""
    start: datetime
    """Aware."""
    requests: int
    violations: int
    """As the repeat-offender detector counted them for the people behind the key."""
    gravity: int
    """Sum of their severities."""
    varied: int = 0
    """How many of them were variations after a block."""


class KeyState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One API key; it names no events, because only totals of it are known."""

    requests: int = 0
    violations: int = 0
    severity: int = 0
    varied: int = 0
    requests_weight: float = 0.0
    """Requests, decayed to `at`."""
    violations_weight: float = 0.0
    """Violations, decayed to `at`."""
    at: float = 0.0
    """Epoch seconds of the latest minute."""
    since: float = 0.0
    """Epoch seconds of the earliest minute."""
    level: int = 0
    """Highest level signalled: 0 none, 1 review, 2 restrict, 3 block."""
    unsignalled: int = 0
    """Violations since the last signal."""


@dataclass(frozen=True)
class KeyOffender:
    """The Gamma-Poisson path on an API key's decayed totals, with the levels of the repeat-offender detector.

    Called once per closed minute in which the key was used. A minute without violations is only counted. There is no
    second path: a minute does not tell the order of its requests.
    """

    policy: RepeatOffenderPolicy
    policy_version: str
    baselines: Baselines = field(default_factory=Baselines)

    def initial(self, key: str) -> KeyState:
        """A key that was never seen; `key` is `tenant|api_key`."""
        return KeyState()

    def with_baseline(self, baseline: Baseline) -> "KeyOffender":
        """The same detector, which knows one more baseline."""
        return with_changes(self, baselines=self.baselines.with_baseline(baseline))

    def step(self, state: KeyState, event: KeyMinute) -> tuple[KeyState, tuple[Signal, ...]]:
        """Apply one closed minute of the key; late ones arrive already decayed.

        A violation may be told a minute after its request, which may come later still.
        """
        if event.requests <= 0 and event.violations <= 0:
            return state, ()
        state = self._counted(state, event)
        if event.violations <= 0:
            return state, ()
        found = self._found(state, event)
        due = found.is_due(state.level, state.unsignalled, again_after=self.policy.repeat_every)
        state = replace(state, level=found.held(state.level), unsignalled=0 if due else state.unsignalled)
        return state, (self._signal(state, event, found),) if due else ()

    def _counted(self, state: KeyState, event: KeyMinute) -> KeyState:
        at = event.start.timestamp()
        fade = {"at": at, "half_life": self._half_life}
        requests, latest = add_many(state.requests_weight, state.at, event.requests, **fade)
        violations, _ = add_many(state.violations_weight, state.at, event.violations, **fade)
        total = state.violations + event.violations
        return KeyState(
            requests=max(state.requests + event.requests, total),
            violations=total,
            severity=state.severity + event.gravity,
            varied=state.varied + event.varied,
            requests_weight=requests,
            violations_weight=violations,
            at=latest,
            since=min(at, state.since) if state.requests else at,
            level=state.level,
            unsignalled=state.unsignalled + event.violations,
        )

    def _found(self, state: KeyState, event: KeyMinute) -> Finding:
        tenant = SubjectKey.parse(event.key).tenant
        by = yardstick(self.policy, self.baselines, scope="api_key", tenant=tenant, at=event.start)
        weights = (state.violations_weight, state.requests_weight)
        return finding(self.policy, by, weights=weights, violations=state.violations)

    def _signal(self, state: KeyState, event: KeyMinute, found: Finding) -> Signal:
        tenant, pseudonym = SubjectKey.parse(event.key)
        account = Account(
            "api_key", state.since, state.at, state.requests, state.violations, state.severity, state.varied
        )
        return Signal(
            id=content_id("sig", "repeat_offender", event.key, found.name, event.start.isoformat()),
            detector="repeat_offender",
            tenant=tenant,
            key=event.key,
            subject=pseudonym,
            scope="api_key",
            level=found.name,
            at=event.start,
            statistic=statistic(self.policy, found),
            numbers=four_numbers(account),
            policy_version=self.policy_version,
            words=words(account, found, self.policy),
        )

    @cached_property
    def _half_life(self) -> float:
        return self.policy.half_life.total_seconds()
