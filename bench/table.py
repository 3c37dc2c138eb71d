"""The table of results, for people; it measures nothing."""

import os
import platform
from collections.abc import Mapping

from rich.table import Table

from bench.measured import Median


def results(medians: Mapping[str, Median], *, broker: str, events: int) -> Table:
    """One line per contender, in the order given."""
    table = Table(title=f"{events:,} events · {broker}", caption=f"{machine()} · medians")
    for heading in ("", "events/s", "CPU s per million", "peak memory", "runs", "checked"):
        table.add_column(heading, justify="left" if heading in ("", "checked") else "right")
    for name, one in medians.items():
        table.add_row(
            name,
            f"{one.events_per_second:,.0f}",
            f"{one.cpu_seconds_per_million:,.1f}",
            f"{one.peak_bytes / 1e6:,.0f} MB",
            str(one.runs),
            f"[red]{one.check}[/red]" if one.check.startswith("wrong") else one.check,
        )
    return table


def machine() -> str:
    """The machine in a few words, and how busy others keep it."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {load:.1f}"
