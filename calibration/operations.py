"""Budgets and power of the detectors of programs, faulty filters and silence, by their own code on simulated data."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from alerts.signal import Signal
from calibration import activity, filters, habits
from calibration.finding import Finding
from policy.automation import AutomationPolicy
from policy.filter_fault import FilterFaultPolicy
from policy.silence import SilencePolicy
from streams.detectors.automation import Automation
from streams.detectors.detector import Detector
from streams.detectors.filter_fault import FilterFault
from streams.detectors.silence import Silence

_PEOPLE = 2000
_PROGRAMS = (
    ("every 60 s", 60, "even", (0, 24)),
    ("60 s, 30 % loose", 60, "loose", (0, 24)),
    ("60 s, 50 % loose", 60, "uniform", (0, 24)),
    ("a loop of 20 s answers", 20, "latency", (0, 24)),
    ("a loop of 8 s answers", 8, "latency", (0, 24)),
    ("at random, every 10 minutes", 600, "random", (0, 24)),
    ("every 5 minutes, in office hours", 300, "even", (9, 17)),
    ("30 s, 30 % loose, in office hours", 30, "loose", (9, 17)),
    ("120 s, 50 % loose, in office hours", 120, "uniform", (9, 17)),
)
_RUNS = 20


class Found(NamedTuple):
    """How a planted change was found over several runs."""

    share: float
    delay: float
    """Median minutes from the change to the signal; infinite when most runs saw none."""
    early: int
    """Signals before the change."""
    since: float
    """The latest of the onsets told, minutes after the true one."""


def first(detector: Detector[Any, Any], events: Iterable[Any]) -> tuple[int, Signal | None]:
    """Events until the first signal, and the signal."""
    state, number = detector.initial("key"), 0
    for number, event in enumerate(events, start=1):
        state, signals = detector.step(state, event)
        if signals:
            return number, signals[0]
    return number, None


def every(detector: Detector[Any, Any], events: Iterable[Any]) -> list[Signal]:
    """All signals."""
    state, found = detector.initial("key"), list[Signal]()
    for event in events:
        state, signals = detector.step(state, event)
        found.extend(signals)
    return found


def planted(detector: Detector[Any, Any], runs: Iterable[tuple[datetime, Iterable[Any]]]) -> Found:
    """Run every (moment of the change, events) and see what was found when."""
    delays, sinces, early, count = list[float](), list[float](), 0, 0
    for onset, events in runs:
        count += 1
        signals = every(detector, events)
        early += sum(signal.at < onset for signal in signals)
        late = [signal for signal in signals if signal.at >= onset]
        if late and late[0].expectation:
            delays.append((late[0].at - onset) / timedelta(minutes=1))
            sinces.append((late[0].expectation.since - onset) / timedelta(minutes=1))
    waited = delays + [np.inf] * (count - len(delays))
    return Found(len(delays) / count, float(np.median(waited)), early, max(sinces, default=np.inf))


def automation() -> Iterator[Finding]:
    """People are told apart from programs."""
    yield from _people()
    detector = Automation(AutomationPolicy(), "calibration")
    for name, pause, jitter, hours in _PROGRAMS:
        rng = np.random.default_rng(22)
        found = list[float]()
        for _ in range(_RUNS):
            times, prompts = habits.program(rng, pause, jitter=jitter, days=4, hours=hours)
            _, signal = first(detector, habits.requests(times, prompts))
            if signal:
                found.append((signal.at - habits.START).total_seconds() / 3600 - times[0] / 3600)
        table = "automation: programs found within 4 days"
        evades = name.startswith("120 s")
        yield Finding(table, f"{name} · share", len(found) / _RUNS, low=0.0 if evades else 0.95)
        yield Finding(table, f"{name} · median hours", float(np.median(found)) if found else np.inf)
    yield _regular_null()
    yield from _recorded()


def _people() -> Iterator[Finding]:
    detector, rng = Automation(AutomationPolicy(), "calibration"), np.random.default_rng(21)
    flagged = by_bet = awake = asked = 0
    for _ in range(_PEOPLE):
        times, prompts = habits.person(rng, 30)
        names = [signal.statistic.name for signal in every(detector, habits.requests(times, prompts))]
        asked += times.size
        flagged += bool(names)
        by_bet += any("Shiryaev" in name for name in names)
        awake += any("rest" in name for name in names)
    table, thousand = "automation: people flagged per 1,000 in 30 days", _PEOPLE / 1000
    yield Finding(table, "any sign", flagged / thousand, high=5.0)
    bound = 2 * asked / AutomationPolicy().false_alarm_every / thousand
    yield Finding(table, "regular or repeated (budget from the bound)", by_bet / thousand, expected=bound, high=bound)
    yield Finding(table, "no rest", awake / thousand, high=0.5)


def _regular_null() -> Finding:
    """Pauses that repeat exactly as often as is tolerated: the mean time to a false sign is at least its budget."""
    policy = AutomationPolicy(false_alarm_every=500, requests_per_hour=10**6, requests_per_day=10**7)
    detector, rng, waits = Automation(policy, "calibration"), np.random.default_rng(23), list[int]()
    for _ in range(100):
        again = rng.random(20_000) < policy.same_pauses
        pauses = np.where(np.cumsum(~again) % 2, 60.0, 120.0)
        times = np.cumsum(pauses)
        calm = (one._replace(prompt_hash=None) for one in habits.requests(times, again.astype(np.int64)))
        waits.append(first(_without_rest(detector), calm)[0])
    return Finding("automation: false signs", "requests between them, budget 500", float(np.mean(waits)), low=500.0)


def _without_rest(detector: Automation) -> Automation:
    """The same detector for somebody who need not sleep."""
    policy = detector.policy.model_copy(update={"awake": timedelta(days=36_500)})
    return Automation(policy, detector.policy_version)


def _recorded() -> Iterator[Finding]:
    times = habits.recorded()
    if times is None:
        return
    rng, detector = np.random.default_rng(24), Automation(AutomationPolicy(), "calibration", "api_key")
    owners = rng.integers(0, 200, times.size)
    told = 0
    for owner in range(200):
        mine = times[owners == owner]
        keyed = habits.requests(mine, rng.integers(1, 2**62, mine.size))
        told += bool(every(detector, (one._replace(api_key=one.subject) for one in keyed)))
    yield Finding("automation: a recorded hour, split among 200 keys", "keys flagged", told, high=0.0)


def filter_fault() -> Iterator[Finding]:
    """Faults are found at once, and neither offenders nor nights are taken for one."""
    detector, rng = FilterFault(FilterFaultPolicy(), "calibration"), np.random.default_rng(31)
    pages = 0
    for _ in range(24):
        volume, rate = 10 ** rng.uniform(1, 4), 10 ** rng.uniform(-3.3, -1.3)
        pages += len(every(detector, filters.minutes(rng, 7 * 1440, evaluated=volume, rate=rate)))
    yield Finding("filter fault: false pages", "24 filters, 7 days, K = 200", pages, high=0.0)
    yield Finding("filter fault: false pages", "minutes to the first of 8, budget 300", _fault_null(), low=300.0)
    for volume, times in ((50.0, 10.0), (50.0, 40.0), (500.0, 3.0), (500.0, 10.0), (5000.0, 3.0)):
        found = planted(detector, _faults(volume, times))
        table = "filter fault: found within 4 hours, 0.5 % blocked before"
        case = f"{volume:g} verdicts a minute, x{times:g}"
        yield Finding(table, f"{case} · share", found.share, low=0.95)
        yield Finding(table, f"{case} · median minutes", found.delay, high=60.0)
        yield Finding(table, f"{case} · latest onset told, minutes late", found.since, high=30.0)


def _faults(volume: float, times: float) -> Iterator[tuple[datetime, Iterable[Any]]]:
    rng = np.random.default_rng(32)
    for run in range(_RUNS):
        onset = 720 + 36 * run
        steps = filters.minutes(rng, onset + 240, evaluated=volume, rate=0.005, times=_from(onset, times))
        yield filters.START + timedelta(minutes=onset), steps


def _from(onset: int, times: float) -> Callable[[int], float]:
    return lambda minute: times if minute >= onset else 1.0


def _fault_null() -> float:
    """Mean minutes to the first page of 8 filters at exactly the tolerated rate, with a reference that is known."""
    policy = FilterFaultPolicy(page_every=timedelta(minutes=300), min_subjects=2)
    detector, rng, waits = FilterFault(policy, "calibration"), np.random.default_rng(33), list[int]()
    for _ in range(25):
        waits.append(min(first(detector, filters.tolerated(rng, 2500, policy=policy, live=8))[0] for _ in range(8)))
    return float(np.mean(waits)) - filters.LEARNING


def silence() -> Iterator[Finding]:
    """Outages are found as soon as volume allows, and nights, weekends and days off are none."""
    detector, rng = Silence(SilencePolicy(), "calibration"), np.random.default_rng(41)
    quiet: dict[str, Callable[[], activity.Counts]] = {
        "office hours": lambda: activity.office(rng, 42, volume=10 ** rng.uniform(-1, 2.5)),
        "all day": lambda: activity.world(rng, 42, volume=10 ** rng.uniform(-1, 2.5)),
        "1 to 12 people": lambda: activity.few(rng, 42, users=int(rng.integers(1, 13))),
    }
    for name, draw in quiet.items():
        tickets = sum(len(every(detector, activity.steps(draw()))) for _ in range(12))
        yield Finding("silence: false tickets", f"{name}, 12 tenants, 5 weeks judged", tickets, high=1.0)
    yield Finding("silence: false tickets", "steps between them, budget 400", _silence_null(), low=400.0)
    for name, volume, left in (("all day", 1.0, 0.0), ("all day", 10.0, 0.0), ("all day", 100.0, 0.1)):
        found = planted(detector, _outages(volume, left))
        case = f"{name}, {volume:g} per 5 minutes, {left:.0%} left"
        yield Finding("silence: outages found within 8 hours", f"{case} · share", found.share, low=0.95)
        yield Finding("silence: outages found within 8 hours", f"{case} · median minutes", found.delay)
        yield Finding("silence: outages found within 8 hours", f"{case} · told before", found.early, high=0.0)


def _outages(volume: float, left: float) -> Iterator[tuple[datetime, Iterable[Any]]]:
    rng = np.random.default_rng(42)
    for run in range(_RUNS):
        onset = 9 * activity.PER_DAY + 12 * run
        counts = activity.world(rng, 12, volume=volume)[: onset + 96]
        counts[onset:] = rng.binomial(counts[onset:], left)
        yield activity.START + onset * activity.STEP, activity.steps(counts)


def _silence_null() -> float:
    """Mean steps to a false ticket at exactly the tolerated activity, after a week that was twice as busy."""
    policy = SilencePolicy(ticket_every=400 * timedelta(minutes=5), half_life=timedelta(days=3650))
    detector, rng, waits = Silence(policy, "calibration"), np.random.default_rng(43), list[int]()
    learning = 7 * activity.PER_DAY
    for _ in range(20):
        busy = np.full(learning, 20)
        drawn = rng.negative_binomial(policy.dispersion, policy.dispersion / (policy.dispersion + 10), 3000)
        events = activity.steps(np.concatenate([busy, drawn]), live=1)
        waits.append(first(detector, islice(events, learning + 3000))[0] - learning)
    return float(np.mean(waits))
