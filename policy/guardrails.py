"""Guardrails: from which severity on a category is blocked, per stage and modality; the filter acts, not we."""

from typing import Literal

from pydantic import Field

from events import Category, Modality, Stage
from policy.section import Pattern, Section

Threshold = Literal["low", "medium", "high", "on_detection", "never"]


class Guardrail(Section):
    """One row of the guardrail table. The last row that fits a verdict wins, so later rows refine earlier ones."""

    category: Category
    """The canonical category this row is about."""
    stages: tuple[Stage, ...] = Field(min_length=1)
    """Where the filter looks."""
    modalities: tuple[Modality, ...] = Field(default=tuple(Modality), min_length=1)
    """Kinds of model that the row holds for."""
    block: Threshold
    """The severity from which content is blocked, or on mere detection, or never (a mark only)."""
    tenants: tuple[Pattern, ...] = ()
    """Only these tenants, as shell patterns; empty: all."""
    models: tuple[Pattern, ...] = ()
    """Only these models, as shell patterns (`gpt-4*`); empty: all."""
    deployments: tuple[Pattern, ...] = ()
    """Only these deployments, as shell patterns; empty: all."""


class Guardrails(Section):
    """The whole table."""

    rows: tuple[Guardrail, ...] = ()
    """In order; the last one that fits a verdict decides."""
    exempt_models: tuple[Pattern, ...] = ("whisper*",)
    """Models that no guardrail holds for, as shell patterns."""
