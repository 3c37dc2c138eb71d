"""Every detector and every type of rule, with traffic that is quiet for it and traffic that is not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import operations_traffic as operations
import rule_facts
from detector_traffic import DRIFT, OFFENDER, SPIKE, START, daily, drawn, requests, scores, steps

from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.key_offender import KeyMinute, KeyOffender
from streams.detectors.linked_accounts import LinkedAccounts
from streams.series import LinkEvidence


class Tried(NamedTuple):
    """A detector and what it is tried on."""

    detector: Any
    quiet: list[Any]
    abnormal: list[Any]
    largest_state: int
    """Bytes of msgpack."""


def _spiky() -> list[Any]:
    means = daily(400, base=20, amplitude=0.3)
    means[300:330] *= 4
    return steps(drawn(means, seed=3))


def _minutes(count: int, *, blocked_every: int) -> list[KeyMinute]:
    key = "contoso|k1." + "b" * 26
    return [
        KeyMinute(key, START + timedelta(minutes=n), 5, n % blocked_every == 0, 2 * (n % blocked_every == 0))
        for n in range(count)
    ]


def _evidence(levels: list[float]) -> Iterator[LinkEvidence]:
    for number, level in enumerate(levels):
        account = f"k1.{chr(97 + number % 3) * 26}"
        yield LinkEvidence("contoso|device:" + "0a" * 8, account, START.timestamp() + 60 * number, level, 0, number)


def _verdicts(count: int, *, every: float, state: str = "blocked") -> list[Any]:
    words = ("hate", "violence", "sexual")
    return [rule_facts.verdict(n, n * every, state=state, category=words[n % 3]) for n in range(count)]


def _rules() -> dict[str, Tried]:
    quiet = [*_verdicts(400, every=7200), *_verdicts(400, every=60, state="clean")]
    abnormal = _verdicts(400, every=60)
    asked = [rule_facts.request(n, n * 60.0, prompt_tokens=900) for n in range(400)]
    blocked: dict[str, Any] = {"where": {"state": "blocked"}, "timespan": "1h"}
    named = [{"name": word, "where": {"category": word}} for word in ("hate", "violence", "sexual")]
    sequence = blocked | {"condition": None, "steps": named}
    share = {"type": "ratio", "timespan": "1h", "of": {"state": "blocked"}, "condition": {"gte": 0.5}}
    tokens = {"type": "value_sum", "on": "requests", "field": "total_tokens", "condition": {"gte": 20_000}}
    distinct = blocked | {"type": "value_count", "field": "request_id", "lateness": "10m"}
    of = rule_facts.detector
    return {
        "rule event_count": Tried(of(**blocked, lateness="10m"), quiet, abnormal, 600),
        "rule value_count": Tried(of(**distinct), quiet, abnormal, 1200),
        "rule value_sum": Tried(of(**tokens, timespan="1h"), asked[::30], asked, 2200),
        "rule ratio": Tried(of(**share), _verdicts(400, every=60, state="clean"), abnormal, 3000),
        "rule temporal": Tried(of(**sequence, type="temporal"), quiet, abnormal, 700),
        "rule temporal_ordered": Tried(of(**sequence, type="temporal_ordered"), quiet, abnormal, 5000),
    }


_OFFENDERS = RepeatOffenderPolicy()
EVERY: dict[str, Tried] = {
    "repeat_offender": Tried(
        OFFENDER,
        list(requests(1, days=30, per_day=30, rate=0.003)),
        list(requests(2, days=10, per_day=20, rate=0.5)),
        largest_state=1500,
    ),
    "repeat_offender of api keys": Tried(
        KeyOffender(_OFFENDERS, "p1"), _minutes(600, blocked_every=200), _minutes(600, blocked_every=5), 100
    ),
    "linked_accounts": Tried(
        LinkedAccounts(RepeatOffenderPolicy(linking=("device",)), "p1"),
        list(_evidence([0.0, 1.0, 3.0, 0.5] * 9)),
        list(_evidence([float(n) for n in range(40)])),
        largest_state=200,
    ),
    "category_spike": Tried(SPIKE, steps(drawn(daily(2016, base=8, amplitude=0.8), seed=2)), _spiky(), 2500),
    "groundedness_drift": Tried(DRIFT, scores((4000, 0.85)), scores((1100, 0.85), (900, 0.6)), 600),
    "automation": Tried(
        operations.AUTOMATION,
        operations.human(1),
        operations.asked(operations.clockwork(6000), prompt_hash="ab" * 8),
        260,
    ),
    "filter_fault": Tried(
        operations.FAULT,
        operations.minutes(2880),
        operations.minutes(360) + operations.minutes(60, rate=0.05, first=360),
        largest_state=500,
    ),
    "silence": Tried(
        operations.SILENCE,
        list(operations.activity(operations.days(21))),
        list(operations.activity([*operations.days(14), *[0] * operations.DAY])),
        largest_state=1100,
    ),
    "storage": Tried(
        operations.STORAGE,
        operations.worked(300, stored_until=300),
        operations.worked(120, stored_until=50),
        largest_state=60,
    ),
    **_rules(),
}
