"""River's drift detectors with their defaults on the scores of the drift tables; ours stand beside them there.

They learn what is normal from what they have seen, so that a longer past makes them faster. The published delays do
not say how long it was: 1,000 scores were chosen because they reproduce them (with 500, ADWIN takes 831, 178 and 76
scores to 0.80, 0.75 and 0.65, and PageHinkley 1,084 to 0.75). The published power of KSWIN, 0.58, names no horizon and
is not reproduced: 0.48 within 100 scores, 0.49 within 200. None of them states a mean time between false alarms.
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Protocol

import numpy as np
from river import drift as river

from calibration.finding import Finding, within
from calibration.score_paths import Measured

_TABLE = "drift: River's detectors (delay as a mean over the paths that alarm within 8,000)"
_LONGEST = 8000
_PATHS = 150


class Peer(Protocol):
    """What River's detectors have in common."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value brought an alarm."""
        ...

    def update(self, x: float) -> object:
        """Take one value in."""
        ...


Make = Callable[[int], Peer]
"""A new detector for the path of that number."""
_ADWIN: Callable[..., Peer] = river.ADWIN
PEERS: dict[str, Make] = {
    "ADWIN": lambda path: _ADWIN(),
    "ADWIN delta=.2 clock=1": lambda path: _ADWIN(delta=0.2, clock=1),
    "PageHinkley": lambda path: river.PageHinkley(),
}
DELAYS = {
    "ADWIN": {0.80: 439.0, 0.75: 146.0, 0.65: 66.0},
    "ADWIN delta=.2 clock=1": {0.80: 159.0, 0.75: 56.0, 0.65: 25.0},
    "PageHinkley": {0.75: 720.0},
}
MISSED = {("ADWIN", 0.83): 0.80, ("PageHinkley", 0.80): 0.25}


def drift_peers() -> Iterable[Finding]:
    """False alarms, delays and misses."""
    alarms = _alarms(_ADWIN(), 1_000_000)
    yield Finding(_TABLE, "ADWIN · false alarms in 1,000,000", alarms, 0.0, 0.0, 2.0)
    for name, make in PEERS.items():
        for mean in (0.83, 0.80, 0.75, 0.65):
            yield from _delay(name, make, mean)
    yield from _kswin()


def _delay(name: str, make: Make, mean: float) -> Iterator[Finding]:
    found = np.array([first_alarm(make(path), mean, seed=path, before=1000) for path in range(_PATHS)])
    missed = float((found > _LONGEST).mean())
    what, published = f"{name} · to {mean:.2f}", MISSED.get((name, mean))
    if published is None:
        yield Finding(_TABLE, f"{what} · missed", missed)
    else:
        yield within(_TABLE, f"{what} · missed", measured=missed, expected=published)
    if missed > 0.5:
        return
    delay, expected = Measured.of(found[found <= _LONGEST]), DELAYS[name].get(mean)
    case = f"{what} (± {delay.error:.2g})"
    if expected is None:
        yield Finding(_TABLE, case, delay.mean)
    else:
        yield within(_TABLE, case, measured=delay.mean, expected=expected)


def _kswin() -> Iterator[Finding]:
    quiet = [first_alarm(river.KSWIN(seed=path), 0.85, seed=path, before=0) for path in range(60)]
    wait = Measured.of(np.array(quiet))
    yield within(_TABLE, f"KSWIN · none (± {wait.error:.2g})", measured=wait.mean, expected=784.0)
    sure = [
        first_alarm(river.KSWIN(alpha=1e-4, seed=path), 0.75, seed=path, before=200, longest=100) for path in range(250)
    ]
    power = Measured.of(np.isfinite(sure).astype(float))
    yield Finding(_TABLE, f"KSWIN alpha=1e-4 · to 0.75 within 100 (± {power.error:.2g})", power.mean, 0.58)


def first_alarm(peer: Peer, mean: float, *, seed: int, before: int, longest: int = _LONGEST) -> float:
    """Scores from a drop to `mean` to the first alarm, infinite beyond `longest`; alarms before it are passed over."""
    rng = np.random.default_rng((61, seed))
    for score in rng.beta(8.5, 1.5, before).tolist():
        peer.update(score)
    for place, score in enumerate(rng.beta(10.0 * mean, 10.0 * (1.0 - mean), longest).tolist()):
        peer.update(score)
        if peer.drift_detected:
            return place + 1.0
    return inf


def _alarms(peer: Peer, scores: int) -> float:
    alarms = 0
    for score in np.random.default_rng(62).beta(8.5, 1.5, scores).tolist():
        peer.update(score)
        alarms += peer.drift_detected
    return float(alarms)
