"""The score as a plain-text table; it computes nothing."""

from collections.abc import Iterator
from datetime import timedelta

from traffic.score import PERMITTED_MISTAKES, BenignScore, KindScore, Score, SeriesScore

_KIND = "{:<14} {:>7} {:>5} {:>6} {:>7} {:>11} {:>11} {:>11} {:>12}"
_BENIGN = "{:<34} {:>8} {:>7} {:>11} {:>8}"


def render(score: Score) -> str:
    """The table that `watchfloor score` prints: offenders by kind, benign users, series, verdict."""
    return "\n".join(_lines(score))


def _lines(score: Score) -> Iterator[str]:
    yield _KIND.format("offenders", "planted", "loud", "found", "recall", "after", "violations", "restricted", "after")
    yield from map(_kind, score.kinds)
    yield ""
    yield _BENIGN.format("benign users", "users", "warned", "restricted", "share")
    yield _benign("at or below the permitted rate", score.benign)
    yield _benign("above it (not planted)", score.above_permitted)
    yield ""
    yield from map(_series, score.series)
    yield f"incidents that match nothing planted: {score.false_incidents}"
    yield ""
    yield f"precision of restrictions: {_number(score.precision, '.3f')} (true block rate above the permitted one)"
    yield f"recall of loud offenders: {score.loud_recall:.3f} (must be 1)"
    yield f"benign users restricted: {score.benign.restricted_share:.3%} (at most {PERMITTED_MISTAKES:.1%})"
    yield "passed" if score.passed else "FAILED"


def _kind(kind: KindScore) -> str:
    return _KIND.format(
        kind.kind, kind.planted, kind.loud, kind.found, _number(kind.recall, ".2f"), _time(kind.delay),
        _number(kind.violations, "g"), kind.restricted, _time(kind.restricted_delay),
    )  # fmt: skip


def _benign(name: str, benign: BenignScore) -> str:
    return _BENIGN.format(name, benign.users, benign.warned, benign.restricted, f"{benign.restricted_share:.3%}")


def _series(series: SeriesScore) -> str:
    loudness = "" if series.loud else " (quiet)"
    outcome = f"found after {_time(series.delay)}" if series.delay is not None else "already open"
    return f"{series.what}{loudness} in {series.series}: {outcome if series.found else 'not found'}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _time(delay: timedelta | None) -> str:
    if delay is None:
        return "-"
    minutes = round(delay.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"
