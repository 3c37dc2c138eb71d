"""A hold on what one filter found: while its fault lasts, nobody is penalised for its verdicts. Pure."""

from collections.abc import Collection
from datetime import datetime

from alerts.record import Record, content_id
from alerts.signal import Signal
from events import Category
from events.event import Instant, Tenant


class FilterHold(Record):
    """From the onset of a filter's fault until people have resolved its incident."""

    id: str
    """`hold_…`, a function of the series and the signal that began it."""
    tenant: Tenant
    """The tenant whose traffic showed the fault."""
    series: str
    """The series of the incident; resolving that ends the hold."""
    filters: tuple[str, ...]
    """`name@version`, or `name` where the version is unknown."""
    categories: tuple[Category, ...] = ()
    """Categories concerned; empty: all."""
    since: Instant
    """Onset of the fault: decisions from here on that rest on the filter are undone."""
    at: Instant
    """When the fault was found, event time."""
    until: Instant | None = None
    """When the incident was resolved; null: it lasts."""

    def covers(self, filters: Collection[str], categories: Collection[str], *, at: datetime) -> bool:
        """Whether something that rests on `filters` and concerns `categories` at `at` is held."""
        if not self.since <= at or (self.until is not None and at >= self.until):
            return False
        concerned = not self.categories or any(one in categories for one in self.categories)
        return concerned and any(one in filters for one in self.filters)

    def ended(self, now: datetime) -> "FilterHold":
        """The hold after its incident was resolved."""
        return self.replace(until=now)


def hold_of(signal: Signal) -> FilterHold | None:
    """The hold that a signal asks for; None unless it reports a filter's fault."""
    if signal.detector != "filter_fault" or not signal.filters:
        return None
    return FilterHold(
        id=content_id("hold", signal.key, signal.id),
        tenant=signal.tenant,
        series=signal.key,
        filters=signal.filters,
        categories=signal.categories,
        since=signal.expectation.since if signal.expectation else signal.at,
        at=signal.at,
    )


def extended(known: FilterHold | None, new: FilterHold) -> FilterHold:
    """The hold of a series after a further signal: the earliest onset, all filters named; a hold that ended is over."""
    if known is None or known.until is not None:
        return new
    return known.replace(
        filters=tuple(dict.fromkeys((*known.filters, *new.filters))),
        categories=tuple(dict.fromkeys((*known.categories, *new.categories))),
        since=min(known.since, new.since),
        at=new.at,
    )
