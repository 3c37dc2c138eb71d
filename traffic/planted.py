"""The two abnormal series that are planted: a category spike and a fall of groundedness; offenders are elsewhere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traffic.deployments import DEPLOYMENTS
from traffic.outcomes import VIOLENCE_SHARE
from traffic.scenario import HOUR_MS, Scenario

GROUNDED_STRENGTH = 10.0
"""a + b of the Beta law of scores: .85 is Beta(8.5, 1.5)."""
GROUNDED, DRIFTED = 0.85, 0.65
METRIC, EVALUATOR, EVALUATOR_VERSION = "groundedness", "groundedness-evaluator", "2.1"
_TENANT = 0
_ASSISTANT, _DOCS = 0, 1
_SPIKE_HOURS = 2.0


@dataclass(frozen=True, slots=True)
class Spike:
    """Violence is found (low severity, never blocked) on `factor` times as many prompts of one tenant's model."""

    since: int
    """Milliseconds after the start."""
    until: int
    """Milliseconds after the start."""
    factor: float = 5.0
    tenant: int = _TENANT
    deployment: int = _ASSISTANT

    @property
    def model(self) -> str:
        """The model it is planted in."""
        return DEPLOYMENTS[self.deployment].model

    def hits(self, rows: NDArray[np.void], tenant: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which requests get an additional finding."""
        inside = (rows["at"] >= self.since) & (rows["at"] < self.until)
        inside &= (tenant == self.tenant) & (rows["deployment"] == self.deployment)
        return inside & (rng.random(rows.size) < (self.factor - 1) * VIOLENCE_SHARE)


@dataclass(frozen=True, slots=True)
class Drift:
    """The mean groundedness of one tenant's deployment falls and stays low."""

    since: int
    """Milliseconds after the start."""
    tenant: int = _TENANT
    deployment: int = _DOCS

    @property
    def name(self) -> str:
        """The deployment it is planted in."""
        return DEPLOYMENTS[self.deployment].name

    @property
    def model(self) -> str:
        """The model behind the deployment."""
        return DEPLOYMENTS[self.deployment].model

    def mean(self, rows: NDArray[np.void], tenant: NDArray[np.int16]) -> NDArray[np.float64]:
        """The mean that each request's score is drawn with."""
        fallen = (rows["at"] >= self.since) & (tenant == self.tenant) & (rows["deployment"] == self.deployment)
        return np.where(fallen, DRIFTED, GROUNDED)


def spike_of(scenario: Scenario) -> Spike:
    """Two hours (or a sixth of a short run) from 60 % of the run on."""
    since = scenario.end_ms * 6 // 10
    return Spike(since, since + round(min(_SPIKE_HOURS * HOUR_MS, scenario.end_ms / 6)))


def drift_of(scenario: Scenario) -> Drift:
    """From 70 % of the run on."""
    return Drift(scenario.end_ms * 7 // 10)
