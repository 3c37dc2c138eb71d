"""The table of results, for people; it measures nothing."""

import os
import platform

from rich.markup import escape
from rich.table import Table

from bench.measured import Median
from bench.rounds import Runs

_LONGEST_REASON = 140


def results(runs: Runs, *, broker: str, events: int, baseline: str) -> Table:
    """One line per contender, in the order given; ratios are to the events/s of the one named `baseline`."""
    medians = {name: Median.of(measured) for name, measured in runs.measured.items() if measured}
    table = Table(title=f"{events:,} events · {broker}", caption=f"{machine()} · medians · ratio to {baseline}")
    for heading in ("", "events", "events/s", "ratio", "CPU s per million", "peak memory", "runs", "checked"):
        table.add_column(heading, justify="left" if heading in ("", "checked") else "right")
    for name in runs.measured:
        if name in medians:
            table.add_row(name, *_numbers(medians[name], medians.get(baseline)), _check(medians[name], runs, name))
        else:
            table.add_row(name, *("–",) * 6, escape(_reason(runs, name)))
    return table


def _numbers(one: Median, baseline: Median | None) -> list[str]:
    return [
        f"{one.events:,}",
        f"{one.events_per_second:,.0f}",
        f"{one.events_per_second / baseline.events_per_second:,.1f}" if baseline else "–",
        f"{one.cpu_seconds_per_million:,.1f}",
        f"{one.peak_bytes / 1e6:,.0f} MB",
        str(one.runs),
    ]


def _check(one: Median, runs: Runs, name: str) -> str:
    check = escape(f"{one.check}; then {_reason(runs, name)}" if name in runs.failed else one.check)
    return f"[red]{check}[/red]" if one.check.startswith("wrong") or name in runs.failed else check


def _reason(runs: Runs, name: str) -> str:
    words = " ".join(str(runs.failed[name]).split()) if name in runs.failed else "not run"
    half = _LONGEST_REASON // 2
    return words if len(words) <= _LONGEST_REASON else f"{words[:half]} … {words[-half:]}"


def machine() -> str:
    """The machine in a few words, and how busy others keep it."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {load:.1f}"
