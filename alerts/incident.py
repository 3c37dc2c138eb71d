"""An incident: an ongoing abnormality that people work on, grouped from the signals of one series."""

from typing import Literal

from alerts.record import Record
from events import Category
from events.event import Instant, Tenant

IncidentState = Literal["open", "acknowledged", "resolved"]
Change = Literal["opened", "updated", "acknowledged", "resolved"]


class IncidentNote(Record):
    """One entry of the timeline."""

    at: Instant
    what: Change
    actor: str
    words: str


class Incident(Record):
    """Grouped signals with acknowledge, resolve and a timeline."""

    id: str
    """`inc_…`, a function of series, detector and the first signal."""
    tenant: Tenant
    """The tenant."""
    series: str
    """The series key; signals of one series and detector go to one open incident."""
    detector: str
    """The detector that raised it."""
    level: Literal["ticket", "page"]
    """The highest level of its signals."""
    state: IncidentState
    """open → acknowledged → resolved."""
    title: str
    """One line."""
    categories: tuple[Category, ...] = ()
    """Categories involved."""
    signals: tuple[str, ...]
    """Signal ids, oldest first (the last 50)."""
    opened_at: Instant
    """Event time of the first signal."""
    updated_at: Instant
    """Event time of the last change."""
    acknowledged_at: Instant | None = None
    """When somebody took it."""
    resolved_at: Instant | None = None
    """When it was over."""
    owner: str | None = None
    """Who acknowledged it."""
    timeline: tuple[IncidentNote, ...] = ()
    """Everything that happened, oldest first (the last 100)."""
    revision: int
    """Grows by one per change."""
