"""The vectorised statistics equal the detectors' own code, request by request."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import exp, log

import numpy as np
import pytest
from scipy.special import ndtr

from calibration.offender_methods import (
    LEAST_REQUESTS,
    METHODS,
    MIXTURE,
    Sums,
    bucket,
    decayed,
    e_cusum,
    in_window,
    log_mean,
    posterior,
    wilson_score,
)
from calibration.offender_population import PERMITTED, Paths, Phase, benign, drawn
from events import FilterVerdict
from policy.policy import Care
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors import mixture_cusum
from streams.detectors.confidence import wilson
from streams.detectors.decay import add, seen_from
from streams.detectors.gamma_poisson import exceedance
from streams.detectors.repeat_offender import RepeatOffender

WEEK = 7.0
START = datetime(2026, 3, 4, tzinfo=UTC)


def _mixed() -> Paths:
    """A dozen ordinary users, one who blocks a lot, one who hardly ever asks."""
    rng = np.random.default_rng(5)
    volumes = np.array([*rng.uniform(5.0, 60.0, 12), 90.0, 0.5])
    rates = np.array([*rng.uniform(0.005, 0.1, 12), 0.7, 0.4])
    return drawn(rng, volumes, [Phase(10.0, rates / 2.0), Phase(20.0, rates)])


PATHS = _mixed()


def _requests(paths: Paths, user: int) -> Iterator[tuple[float, int]]:
    """Every request's day and, of a violation, its index (else -1); clean ones are spread evenly over their gap."""
    for at in range(paths.firsts[user], paths.firsts[user] + paths.counts[user]):
        clean, gap = int(paths.cleans[at]), float(paths.gaps[at])
        begin = float(paths.times[at]) - gap
        yield from ((begin + gap * (number + 0.5) / clean, -1) for number in range(clean))
        yield float(paths.times[at]), at


@pytest.mark.parametrize("user", range(len(PATHS.counts)))
def test_decayed_sums_and_posterior_equal_the_detectors_own(user: int) -> None:
    sums, chances, buckets = decayed(PATHS), posterior(decayed(PATHS)), bucket(PATHS)
    requests = hits = day_hits = (0.0, 0.0)
    for seen, (day, at) in enumerate(_requests(PATHS, user), start=1):
        requests = add(*requests, at=day, half_life=WEEK)
        if at >= 0:
            hits = add(*hits, at=day, half_life=WEEK)
            day_hits = add(*day_hits, at=day, half_life=1.0)
            assert sums.seen[at] == seen
            assert sums.requests[at] == pytest.approx(requests[0], rel=1e-9)
            assert sums.violations[at] == pytest.approx(seen_from(*hits, at=day, half_life=WEEK), rel=1e-9)
            own = exceedance(hits[0], requests[0], prior_violations=0.5, prior_requests=100.0, rate=PERMITTED)
            assert chances[at] == pytest.approx(own, rel=1e-9)
            assert buckets[at] == pytest.approx(day_hits[0], rel=1e-9)


@pytest.mark.parametrize("alternatives", [MIXTURE, (0.2,)])
def test_the_e_cusum_equals_the_detectors_own(alternatives: tuple[float, ...]) -> None:
    ratios, evidence = mixture_cusum.bernoulli(PERMITTED, alternatives), e_cusum(PATHS, alternatives)
    for user in range(len(PATHS.counts)):
        logs: tuple[float, ...] = (0.0,) * len(alternatives)
        for _, at in _requests(PATHS, user):
            logs, mean = mixture_cusum.advance(logs, ratios.hit if at >= 0 else ratios.miss)
            if at >= 0:
                assert evidence[at] == pytest.approx(mean, rel=1e-9)


def test_the_detector_signals_with_the_posterior_of_the_simulation() -> None:
    policy = RepeatOffenderPolicy(violation_gap=timedelta(0), block_min_violations=1)
    detector = RepeatOffender(policy, Care(), "p1")
    chances, signalled = posterior(decayed(PATHS)), 0
    for user in (3, len(PATHS.counts) - 2):
        state = detector.initial("contoso|somebody")
        for number, (day, at) in enumerate(_requests(PATHS, user)):
            state, signals = detector.step(state, _verdict(number, day, blocked=at >= 0))
            for own in (one.statistic.value for one in signals if one.statistic.name.startswith("P(")):
                assert own == pytest.approx(chances[at], rel=1e-6)
                signalled += 1
    assert signalled > 3


def _verdict(number: int, day: float, *, blocked: bool) -> FilterVerdict:
    return FilterVerdict.model_validate(
        {
            "event_id": f"r{number}:prompt:violence",
            "request_id": f"r{number}",
            "at": START + timedelta(days=day),
            "tenant": "contoso",
            "subject": "k1." + "a" * 26,
            "stage": "prompt",
            "category": "violence",
            "provider": "azure.openai",
            "provider_category": "violence",
            "filter": "azure-content-filter",
            "state": "blocked" if blocked else "clean",
            "model": "gpt-4o",
        }
    )


def test_the_window_counts_the_last_day_of_the_same_user() -> None:
    counts = in_window(PATHS)
    for at, (owner, day) in enumerate(zip(PATHS.owners, PATHS.times, strict=True)):
        mine = PATHS.times[PATHS.owners == owner]
        assert counts[at] == np.count_nonzero((mine > day - 1.0) & (mine <= day))


@pytest.mark.parametrize(("hits", "requests"), [(1, 10), (5, 50), (3, 60), (40, 1000)])
def test_the_wilson_score_is_where_the_interval_ends_at_the_permitted_rate(hits: int, requests: int) -> None:
    score = float(wilson_score(Sums(np.array([hits]), np.array([requests]), np.array([requests])))[0])
    assert wilson(hits, requests, level=2.0 * float(ndtr(score)) - 1.0).low == pytest.approx(PERMITTED, abs=1e-9)


def test_the_wilson_score_waits_for_a_few_requests() -> None:
    enough = np.array([LEAST_REQUESTS - 1, LEAST_REQUESTS])
    scores = wilson_score(Sums(np.ones(2), np.full(2, 5.0), enough))
    assert scores[0] == -np.inf
    assert scores[1] > 0.0


def test_the_mean_of_large_evidence_does_not_overflow() -> None:
    assert log_mean(np.array([[800.0], [0.0]])) == pytest.approx([800.0 - log(2.0)])
    assert log_mean(np.array([[0.0], [1.0]])) == pytest.approx([log((1.0 + exp(1.0)) / 2.0)])


def test_every_method_speaks_at_every_violation() -> None:
    paths = benign(np.random.default_rng(6), 300).paths
    for method in METHODS:
        assert method.statistic(paths).shape == paths.times.shape
