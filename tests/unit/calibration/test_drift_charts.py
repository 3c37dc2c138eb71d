"""What the drift calibration simulates is what the detector computes, and what River and the formulas say."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import exp

import numpy as np
import pytest
from river import drift as river
from scipy.stats import beta

from calibration.drift import LOW_SHARE, TUNED, UNTUNED, learned
from calibration.references.chart import Chart, Floats
from calibration.references.page_hinkley import PageHinkley
from calibration.references.score_e_detectors import (
    BETS,
    BetaCusum,
    BettingCusum,
    BettingShiryaevRoberts,
    BothStreams,
)
from calibration.score_paths import Measured, Size, bernoulli, chasing, constant, dropping, swinging, waits
from policy.groundedness_drift import GroundednessDriftPolicy
from streams.detectors.groundedness_drift import DriftState, GroundednessDrift, Score
from streams.detectors.score_stream import lowest_mean, lowest_share

FIXTURE = (0.9, 0.8, 0.2, 0.7, 0.95, 0.1, 0.6, 0.3)
POLICY = GroundednessDriftPolicy(reference_size=50, false_alarm_every=200)
DETECTOR = GroundednessDrift(POLICY, "p1")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def statistics(chart: Chart, scores: Floats) -> Iterator[Floats]:
    """Of every path (row), score by score."""
    state = chart.start(len(scores))
    for now in scores.T:
        state, statistic = chart.step(state, now)
        yield statistic


@pytest.mark.parametrize(
    ("chart", "expected"),
    [
        (
            BettingShiryaevRoberts(0.85),
            [0.896389, 2.082451, 7.3284, 12.246639, 8.554077, 28.695679, 57.890043, 200.107197],
        ),
        (BettingCusum(0.85), [0.896389, 1.103611, 2.725632, 4.135056, 2.500427, 8.427168, 17.379889, 62.722327]),
    ],
)
def test_both_forms_give_the_recomputed_values(chart: Chart, expected: list[float]) -> None:
    found = [float(one[0]) for one in statistics(chart, np.array([FIXTURE]))]
    assert found == pytest.approx(expected, abs=1e-6)


def judged(scores: list[float]) -> tuple[DriftState, list[int], list[float]]:
    """The state after the reference, then when each score after it alarmed, and exp of the statistics that crossed."""
    state, alarms, values = DETECTOR.initial("k"), list[int](), list[float]()
    learnt = state
    for place, value in enumerate(scores):
        state, signals = DETECTOR.step(state, Score("t|m|-|groundedness|j|1", f"e{place}", AT, value))
        learnt = state if place == POLICY.reference_size - 1 else learnt
        alarms += [place - POLICY.reference_size] * bool(signals)
        values += [exp(max(signal.statistic.value for signal in signals))] if signals else []
        if signals:
            break
    return learnt, alarms, values


@pytest.mark.parametrize("mean", [0.85, 0.75, 0.6])
def test_the_simulated_detector_is_the_detector(mean: float) -> None:
    """First alarm and the statistic at it, path by path: reference, margins, both streams and their shared budget."""
    rng = np.random.default_rng(6)
    for _ in range(8):
        path = np.concatenate((rng.beta(8.5, 1.5, 50), rng.beta(10 * mean, 10 - 10 * mean, 600)))
        learnt, alarms, values = judged(path.tolist())
        reference, lows = path[:50], float((path[:50] < 0.5).mean())
        null = reference.mean() - 2.0 * reference.std(ddof=1) / np.sqrt(50) - POLICY.margin
        share = (50 * lows + 2.0) / 54.0
        most = share + 2.0 * np.sqrt(share * (1.0 - share) / 54.0) + POLICY.low_margin
        assert lowest_mean(learnt, margin=POLICY.margin) == pytest.approx(null)
        assert lowest_share(learnt.low, margin=POLICY.low_margin) == pytest.approx(1.0 - most)
        chart = BothStreams(float(null), float(most), low=POLICY.low_score)
        found = [float(one[0]) for one in statistics(chart, path[None, 50:])]
        over = [place for place, value in enumerate(found) if value >= POLICY.false_alarm_every]
        assert alarms == over[:1]
        assert values == pytest.approx([2.0 * found[place] for place in over[:1]])


def test_every_path_has_a_null_of_its_own() -> None:
    rows, nulls = np.random.default_rng(2).beta(8.5, 1.5, (2, 40)), np.array([0.85, 0.8])
    together = np.array(list(statistics(BettingShiryaevRoberts(nulls), rows)))
    for place, null in enumerate(nulls):
        alone = np.array(list(statistics(BettingShiryaevRoberts(float(null)), rows[place : place + 1])))
        assert together[:, place] == pytest.approx(alone[:, 0])


def test_page_hinkley_is_rivers() -> None:
    rng = np.random.default_rng(3)
    path = np.concatenate((rng.beta(8.5, 1.5, 500), rng.beta(7.0, 3.0, 200)))
    peer, chart = river.PageHinkley(delta=0.005, threshold=6.1, mode="down"), PageHinkley(0.005)
    expected = next(place for place, score in enumerate(path) if (peer.update(score), peer.drift_detected)[1])
    found = [float(one[0]) for one in statistics(chart, path[None, :])]
    assert next(place for place, value in enumerate(found) if value > 6.1) == expected


def test_the_beta_cusum_is_the_sum_of_log_likelihood_ratios() -> None:
    path, held = np.random.default_rng(4).beta(8.0, 2.0, 60), 0.0
    ratios = beta(8.0, 2.0).logpdf(path) - beta(8.5, 1.5).logpdf(path)
    for ratio, found in zip(ratios, statistics(BetaCusum(0.85, 0.80), path[None, :]), strict=True):
        held = max(0.0, held + ratio)
        assert found[0] == pytest.approx(held)


@pytest.mark.parametrize("law", [dropping(0.85), bernoulli, constant, swinging, chasing])
def test_every_null_law_keeps_its_mean_given_the_past(law: Callable[..., Floats]) -> None:
    rng = np.random.default_rng(5)
    for before in (0.05, 0.5, 0.84, 0.86, 1.0):
        scores = law(rng, np.full(200_000, before), -1)
        assert scores.min() >= 0.0
        assert scores.max() <= 1.0
        assert scores.mean() == pytest.approx(0.85, abs=4 * 0.36 / np.sqrt(200_000))


def test_a_ramp_gets_there_in_its_time() -> None:
    rng, many = np.random.default_rng(5), np.zeros(100_000)
    draw = dropping(0.75, over=500)
    assert [float(draw(rng, many, moment).mean()) for moment in (-1, 249, 499, 900)] == pytest.approx(
        [0.85, 0.80, 0.75, 0.75], abs=2e-3
    )


def test_waits_count_from_the_change_and_leave_out_who_alarmed_before() -> None:
    found = waits(BettingShiryaevRoberts(0.85), 100.0, constant, seed=1, size=Size(5, before=40))
    assert found.tolist() == [60.0] * 5
    assert waits(BettingShiryaevRoberts(0.85), 100.0, constant, seed=1, size=Size(5, before=101)).tolist() == []
    cut = waits(BettingShiryaevRoberts(0.85), 100.0, constant, seed=1, size=Size(5, longest=60))
    assert cut.tolist() == [61.0] * 5


def test_a_false_alarm_takes_at_least_its_budget() -> None:
    wait = Measured.of(waits(BettingShiryaevRoberts(0.85), 100.0, dropping(0.85), seed=7, size=Size(2000)))
    assert 100.0 <= wait.mean <= 150.0


def test_the_share_of_low_scores_is_that_of_the_law() -> None:
    assert beta(8.5, 1.5).cdf(0.5) == pytest.approx(LOW_SHARE, rel=1e-3)


def test_a_reference_is_learned_from_its_own_scores() -> None:
    means, errors, lows = learned(400, paths=200, seed=1)
    assert float(means.std()) == pytest.approx(float(errors.mean()), rel=0.2)
    assert float(lows.mean()) == pytest.approx(LOW_SHARE, rel=0.2)


def test_the_tables_use_the_bets_of_the_policy() -> None:
    assert GroundednessDriftPolicy().bets == BETS
    assert (len(TUNED), len(UNTUNED)) == (9, 4)
