"""One filter's finding on one stage of one request, in one category; it decides nothing."""

from typing import Annotated, Literal

from pydantic import Field

from events.event import EventId, Label, ModelEvent
from events.taxonomy import Category, ScoreKind, Stage, State

UnitInterval = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class FilterVerdict(ModelEvent):
    """What one filter found on one stage of one request, in one category."""

    filter: Label
    """The filter's name, e.g. `azure-content-filter`."""
    filter_version: Label | None = None
    """Its version or configuration: a change of it can shift every rate."""
    stage: Stage
    """The part of the request that was looked at."""
    category: Category
    """The canonical category."""
    provider_category: Label
    """The provider's own name of the category; spikes are detected per provider category."""
    state: State
    """Not evaluated, clean, detected, blocked, masked, or the filter failed."""
    severity: Literal[0, 1, 2, 3] | None = None
    """0 safe, 1 low, 2 medium, 3 high; null where the provider gives none."""
    score: UnitInterval | None = None
    """The provider's number in [0, 1]; what it means is `score_kind`."""
    score_kind: ScoreKind | None = None
    """The meaning of `score`; required reading before any comparison."""
    item: EventId | None = None
    """The blocklist, topic or policy that matched, by its id."""
    choice: Annotated[int, Field(ge=0, le=127)] | None = None
    """Index of the completion among several."""
    partial: bool = False
    """The stream was cut before the filter had seen all of it."""
