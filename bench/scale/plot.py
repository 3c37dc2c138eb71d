"""Draws what was saved into docs/plots; small pictures, one axis each; it measures nothing."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.scale.growth import AXES
from bench.scale.results import SAVED, Results, Row

PLOTS = Path(__file__).parents[2] / "docs" / "plots"
_SIZE = (5.6, 3.2)
_DPI = 90
_COLOURS = ("#1f5fa8", "#c2571a", "#3b7d3b", "#7a4fa3")


def draw(saved: Path = SAVED, into: Path = PLOTS) -> list[Path]:
    """Every picture whose figures are saved. Raises NothingMeasured for the first that are not."""
    into.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    growth = Results.load("growth", saved).rows
    pictures: list[tuple[str, Callable[[Any], None]]] = [
        (f"growth-{axis}", _growth(axis, [row for row in growth if row["axis"] == axis])) for axis in AXES
    ]
    pictures += [
        ("memory", _memory(Results.load("memory", saved).rows)),
        ("restart", _restart(Results.load("restart", saved).rows)),
        ("latency", _latency(Results.load("latency", saved).rows)),
    ]
    return [_picture(into / f"{name}.png", paint) for name, paint in pictures]


def _picture(path: Path, paint: Callable[[Any], None]) -> Path:
    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    paint(axes)
    figure.savefig(path, metadata={"Software": None})
    return path


def _growth(axis: str, rows: Iterable[Row]) -> Callable[[Any], None]:
    points = list(rows)

    def paint(axes: Any) -> None:
        axes.plot(_column(points, "size"), _column(points, "events per CPU second"), "o-", color=_COLOURS[0])
        axes.set(xscale="log", xlabel=axis, ylabel="events per CPU second", ylim=(0, None))

    return paint


def _memory(rows: Iterable[Row]) -> Callable[[Any], None]:
    points = list(rows)

    def paint(axes: Any) -> None:
        for colour, kind in zip(_COLOURS, dict.fromkeys(row["kept"] for row in points), strict=False):
            own = [row for row in points if row["kept"] == kind]
            axes.plot(_column(own, "subjects"), _column(own, "MB"), "o-", color=colour, label=kind)
        axes.set(xscale="log", yscale="log", xlabel="subjects (for ids: events in the window)", ylabel="MB")
        axes.legend(frameon=False)

    return paint


def _restart(rows: Iterable[Row]) -> Callable[[Any], None]:
    points = [row for row in rows if row["versions"] == 1]

    def paint(axes: Any) -> None:
        for colour, column in zip(_COLOURS, ("after kill -9 s", "first start s", "decode s"), strict=False):
            label = column.removesuffix(" s")
            axes.plot(_column(points, "subjects"), _column(points, column), "o-", color=colour, label=label)
        axes.set(
            xscale="log", xlabel="tracked subjects, one version of each on the log", ylabel="seconds", ylim=(0, None)
        )
        axes.legend(frameon=False)

    return paint


def _latency(rows: Iterable[Row]) -> Callable[[Any], None]:
    points = list(rows)

    def paint(axes: Any) -> None:
        steps = ("signals", "enforcements", "gateway")
        for number, (colour, row) in enumerate(zip(_COLOURS, points, strict=False)):
            places = [place + 0.27 * number for place in range(len(steps))]
            p50, p99 = ([row[f"{step} {share} ms"] or 0 for step in steps] for share in ("p50", "p99"))
            axes.bar(places, p99, 0.25, color=colour, alpha=0.35)
            axes.bar(places, p50, 0.25, color=colour, label=f"{row['background events/s']:,.0f} events/s beside it")
        axes.set_xticks([place + 0.27 for place in range(len(steps))], steps)
        axes.set(ylabel="ms since the verdict was sent (p50, pale: p99)")
        axes.legend(frameon=False)

    return paint


def _column(rows: Iterable[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]
