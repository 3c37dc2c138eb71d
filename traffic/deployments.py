"""The models that the simulated applications run, the same set for every tenant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a model runs, and what is checked there besides the four harm categories."""

    name: str
    model: str
    share: float
    """Of the sessions of every tenant."""
    code: bool = False
    """Completions are checked for protected text and code."""
    scored: float = 0.0
    """Share of the completions that get a groundedness score."""


DEPLOYMENTS = (
    Deployment("assistant", "gpt-4.1-2025-04-14", 0.55),
    Deployment("docs", "gpt-4.1-mini-2025-04-14", 0.3, scored=0.4),
    Deployment("code", "gpt-5-mini-2025-08-07", 0.15, code=True),
)
