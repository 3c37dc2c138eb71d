"""The terminal display of `watchfloor dev`: what goes through, what was found, what is stored; it only shows."""

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from api.alert_feed import AlertFeed, AlertFilter
from api.views import Views
from sql.batch import StoredReport
from watchfloor.shell import now

EVENT_TOPICS = frozenset({"request-logs", "filter-verdicts", "user-feedback", "provider-notices"})
_LATEST = 8


@dataclass(slots=True)
class Tally:
    """Rows stored since the start, by topic."""

    stored: dict[str, int] = field(default_factory=dict)
    duplicate: int = 0

    def add(self, topic: str, report: StoredReport) -> None:
        """Count one batch."""
        self.stored[topic] = self.stored.get(topic, 0) + report.stored
        self.duplicate += report.duplicate

    @property
    def events(self) -> int:
        """Rows of the event topics."""
        return sum(count for topic, count in self.stored.items() if topic in EVENT_TOPICS)


class Screen:
    """Redraws itself once a second on a terminal; on anything else it prints a line every ten seconds."""

    def __init__(self, console: Console, tally: Tally, *, views: Views, feed: AlertFeed) -> None:
        self._console, self._tally, self._views, self._feed = console, tally, views, feed
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._before = (monotonic(), 0)
        self._printed = 0.0

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def refresh(self) -> None:
        """Draw the present state."""
        at, events = monotonic(), self._tally.events
        rate = (events - self._before[1]) / max(at - self._before[0], 0.001)
        self._before = (at, events)
        line = self._line(rate)
        if self._console.is_terminal:
            self._live.update(Group(Text(line, style="bold"), self._latest()), refresh=True)
        elif at - self._printed >= 10:
            self._printed = at
            self._console.print(line)

    def _line(self, rate: float) -> str:
        stored, standings = self._tally.stored, Counter(one.standing(now()) for one in self._views.enforcements)
        parts = [
            f"{rate:,.0f} events/s",
            f"{self._tally.events:,} events stored",
            f"{stored.get('signals', 0):,} signals",
            f"{len(self._views.decisions):,} decisions",
            f"{len(self._views.incidents):,} incidents",
            f"{sum(stored.values()):,} rows",
            *(f"{count} {standing}" for standing, count in sorted(standings.items()) if standing != "allowed"),
        ]
        return "  ·  ".join(parts)

    def _latest(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for alert in self._feed.newest(AlertFilter(), before=None, limit=_LATEST):
            table.add_row(f"{alert.at:%m-%d %H:%M}", alert.kind, alert.tenant, Text(alert.words, overflow="ellipsis"))
        return table
