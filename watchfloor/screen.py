"""The terminal display of `watchfloor dev`: what goes through, what was found, what is stored; it only shows."""

from collections import Counter
from time import monotonic

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from api.alert_feed import AlertFeed, AlertFilter
from api.views import Views
from sql.totals import Totals
from watchfloor.shell import now

_LATEST = 8
_LINE_SECONDS = 10.0


class Screen:
    """Redraws itself on a terminal; on anything else it prints a line every ten seconds."""

    def __init__(self, console: Console, *, views: Views, feed: AlertFeed) -> None:
        self._console, self._views, self._feed = console, views, feed
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._at, self._events = monotonic(), -1
        self._printed = 0.0

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, totals: Totals) -> None:
        """Draw the present state."""
        line = self._line(totals)
        if self._console.is_terminal:
            self._live.update(Group(Text(line, style="bold"), self._latest()), refresh=True)
        elif monotonic() - self._printed >= _LINE_SECONDS:
            self._printed = monotonic()
            self._console.print(line, soft_wrap=True)

    def _line(self, totals: Totals) -> str:
        standings = Counter(one.standing(now()) for one in self._views.enforcements)
        parts = [
            f"{self._rate(totals.events):,.0f} events/s stored",
            f"{totals.events:,} events",
            f"{totals.signals:,} signals",
            f"{totals.decisions:,} decisions",
            f"{totals.incidents:,} incidents",
            *(f"{count} {standing}" for standing, count in sorted(standings.items()) if standing != "allowed"),
        ]
        return "  ·  ".join(parts)

    def _rate(self, events: int) -> float:
        at, before = monotonic(), self._events
        passed, self._at, self._events = at - self._at, at, events
        return (events - before) / passed if before >= 0 and passed > 0 else 0.0

    def _latest(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for alert in self._feed.newest(AlertFilter(), before=None, limit=_LATEST):
            table.add_row(f"{alert.at:%m-%d %H:%M}", alert.kind, alert.tenant, Text(alert.words, overflow="ellipsis"))
        return table
