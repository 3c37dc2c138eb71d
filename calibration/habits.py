"""When people and programs ask: simulated request times, and real ones where they are at hand; it judges nothing."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
"""Seconds since the start, rising."""

START = datetime(2026, 3, 2, tzinfo=UTC)
RECORDED = Path(__file__).parents[2] / "shared/data/llm_arrivals_conv.csv"
"""A real hour of chat requests, Azure LLM inference trace 2023 (Patel et al., ISCA 2024)."""
_DAY = 86_400.0
_VOLUME_SIGMA = float(np.log(323 / 15) / 2.3263478740408408)


class Request(NamedTuple):
    """What the automation detector reads of a request."""

    event_id: str
    tenant: str
    subject: str
    api_key: str | None
    at: datetime
    prompt_hash: str | None


def requests(times: Times, prompts: NDArray[np.int64], *, subject: str = "k1." + "a" * 26) -> Iterator[Request]:
    """One person's or program's requests."""
    for number, (second, prompt) in enumerate(zip(times.tolist(), prompts.tolist(), strict=True)):
        at = START + timedelta(seconds=second)
        yield Request(f"r{number}:log", "contoso", subject, None, at, f"{prompt:016x}")


def person(rng: np.random.Generator, days: int) -> tuple[Times, NDArray[np.int64]]:
    """Request times and prompts of one person.

    Requests per day are log-normal over people (median 15, 99th percentile 323) and over a person's days (sigma 0.5);
    they come in sessions of 8 on average, with log-normal pauses (sigma 1) that last longer for some than for others,
    inside a waking day of 14.5 to 19 hours; one night in fifty is skipped. In every third application a turn makes
    two requests. One request in 16 repeats the prompt before it, and everybody has a favourite prompt (`continue`).
    """
    volume = 15 * np.exp(_VOLUME_SIGMA * rng.standard_normal())
    thinks, wakes = 45 * np.exp(0.4 * rng.standard_normal()), rng.uniform(0, 24) * 3600
    found = [np.empty(0)]
    awake = wakes
    for day in range(days):
        sleeps = wakes + day * _DAY + rng.uniform(14.5, 19) * 3600
        if rng.random() < 0.02:
            sleeps = wakes + (day + 1) * _DAY
        found.append(_day(rng, volume * np.exp(0.5 * rng.standard_normal() - 0.125), awake, sleeps, thinks))
        awake = wakes + (day + 1) * _DAY + 1800 * rng.standard_normal()
    times = np.concatenate(found)
    if rng.random() < 1 / 3:
        times = np.concatenate([times, times + rng.uniform(0.2, 2, times.size)])
    times.sort()
    return times, _prompts(rng, times.size)


def program(
    rng: np.random.Generator, pause: float, *, jitter: str, days: float, hours: tuple[int, int] = (0, 24)
) -> tuple[Times, NDArray[np.int64]]:
    """Requests about every `pause` seconds within the hours of the day: `even` (5 %), `loose` (30 %), `uniform`
    (50 %), `latency` (log-normal, sigma 0.3) or `random` (exponential)."""
    count = int(days * _DAY / pause * 1.5) + 50
    draws: dict[str, Callable[[], Times]] = {
        "even": lambda: rng.uniform(0.95, 1.05, count),
        "loose": lambda: rng.uniform(0.7, 1.3, count),
        "uniform": lambda: rng.uniform(0.5, 1.5, count),
        "latency": lambda: np.exp(0.3 * rng.standard_normal(count)),
        "random": lambda: rng.exponential(size=count),
    }
    factors = draws[jitter]()
    times = rng.uniform(0, _DAY) + np.cumsum(pause * factors)
    hour = times % _DAY / 3600
    times = times[(times < (days + 1) * _DAY) & (hour >= hours[0]) & (hour < hours[1])]
    return times, rng.integers(1, 2**62, times.size)


def recorded() -> Times | None:
    """The recorded hour's arrival times in seconds, or None where the file is not at hand."""
    if not RECORDED.is_file():
        return None
    with RECORDED.open(newline="", encoding="utf-8-sig") as lines:
        at = [datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in csv.DictReader(lines)]
    return np.array(sorted((one - min(at)).total_seconds() for one in at))


def _day(rng: np.random.Generator, volume: float, wakes: float, sleeps: float, thinks: float) -> Times:
    sessions = rng.poisson(volume / 8)
    lengths = rng.geometric(1 / 8, sessions)
    if not lengths.size:
        return np.empty(0)
    elapsed = np.cumsum(thinks * np.exp(rng.standard_normal(lengths.sum())))
    firsts = np.repeat(np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    times = np.repeat(rng.uniform(wakes, sleeps, sessions), lengths) + elapsed - elapsed[firsts]
    return np.asarray(times[times < sleeps])


def _prompts(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    prompts = rng.integers(1, 2**62, count)
    prompts[rng.random(count) < rng.beta(1, 12)] = 7
    again = np.flatnonzero(rng.random(count) < 1 / 16)
    again = again[again > 0]
    prompts[again] = prompts[again - 1]
    return prompts
