from math import log

import numpy as np
import pytest

from calibration.references.online_fdr import lord_levels
from calibration.references.predictive import tail
from calibration.spikes_series import HISTORY, MONITORED, Forecast
from calibration.spikes_statistics import METHODS, MULTIPLIERS, log_ratios, pages, shiryaev_roberts
from policy.category_spike import CategorySpikePolicy
from streams.detectors.negative_binomial import log_ratio, predictive_size
from streams.detectors.shiryaev_roberts import advance, nothing

SERIES = 6


@pytest.fixture(scope="module")
def paths():
    rng = np.random.default_rng(5)
    means = rng.uniform(0.1, 20.0, (SERIES, MONITORED))
    sizes = rng.uniform(5.0, 20.0, (SERIES, MONITORED))
    counts = rng.negative_binomial(sizes, sizes / (sizes + 1.3 * means))
    return counts, Forecast(means, sizes)


@pytest.fixture(scope="module")
def by_name(paths):
    counts, forecast = paths
    history = np.random.default_rng(6).poisson(5.0, (SERIES, HISTORY))
    whole = np.concatenate([history, counts], axis=1)
    return whole, {method.name: method.statistic(whole, forecast) for method in METHODS}


def _ratios(counts, forecast, series, hour):
    mean, size = forecast.means[series, hour], forecast.sizes[series, hour]
    return [log_ratio(counts[series, hour], mean, size=size, multiplier=times) for times in MULTIPLIERS]


def test_what_is_calibrated_is_what_is_shipped():
    assert CategorySpikePolicy().multipliers == MULTIPLIERS


def test_ratios_are_those_of_the_detector(paths):
    counts, forecast = paths
    expected = [[_ratios(counts, forecast, series, hour) for hour in range(50)] for series in range(SERIES)]
    np.testing.assert_allclose(log_ratios(counts, forecast)[:, :50], expected, rtol=1e-10, atol=1e-12)


def test_the_mixture_is_that_of_the_detector(paths):
    counts, forecast = paths
    values = shiryaev_roberts(log_ratios(counts, forecast))
    for series in range(SERIES):
        evidence = nothing(len(MULTIPLIERS))
        for hour in range(MONITORED):
            evidence, log_mean = advance(evidence, _ratios(counts, forecast, series, hour))
            assert values[series, hour] == pytest.approx(log_mean, rel=1e-9, abs=1e-9)


def test_pages_start_the_detector_anew(paths):
    counts, forecast = paths
    raised = pages(log_ratios(counts, forecast), log(50.0))
    assert raised.sum() > SERIES
    for series in range(SERIES):
        evidence = nothing(len(MULTIPLIERS))
        for hour in range(MONITORED):
            evidence, log_mean = advance(evidence, _ratios(counts, forecast, series, hour))
            assert raised[series, hour] == (log_mean >= log(50.0))
            evidence = nothing(len(MULTIPLIERS)) if raised[series, hour] else evidence


def test_the_mixture_of_a_known_series():
    counts = np.array([[4, 6, 3, 9, 12, 10]])
    sizes = np.full((1, 6), predictive_size(15.0, 0.1))
    values = shiryaev_roberts(log_ratios(counts, Forecast(np.full((1, 6), 4.0), sizes)))
    expected = [-1.103529, 0.156607, -0.369488, 1.775596, 4.832025, 6.806071]
    assert values[0] == pytest.approx(expected, abs=5e-7)


def test_each_method_judges_every_monitored_hour(by_name):
    whole, values = by_name
    assert all(value.shape == (len(whole), MONITORED) for value in values.values())
    assert all(np.isfinite(value).all() for value in values.values())


def test_baselines_of_counts_are_those_hours_that_they_say(by_name):
    whole, values = by_name
    at = HISTORY + 100

    def excess(hours):
        before = whole[2, hours]
        return (whole[2, at] - before.mean()) / max(0.5, before.std(ddof=1))

    assert values["EARS C1 (7 h)"][2, 100] == pytest.approx(excess([at - lag for lag in range(1, 8)]))
    assert values["EARS C2 (same hour, 7 d)"][2, 100] == pytest.approx(excess([at - 24 * lag for lag in range(3, 10)]))
    assert values["same hour-of-week z, 8 wk"][2, 100] == pytest.approx(excess([at - 168 * lag for lag in range(1, 9)]))


def test_the_cusum_is_that_of_page(paths, by_name):
    counts, forecast = paths
    ratios = log_ratios(counts, forecast, (2.0,))[:, :, 0]
    held, expected = 0.0, []
    for ratio in ratios[1]:
        held = max(held, 0.0) + ratio
        expected.append(held)
    assert by_name[1]["NB LR-CUSUM (x2)"][1] == pytest.approx(expected)


def test_predictive_methods_judge_the_same_tails(paths, by_name):
    counts, forecast = paths
    tails = tail(counts, forecast.means, forecast.sizes)
    values = by_name[1]
    mean, deviation = forecast.means, np.sqrt(forecast.means + forecast.means**2 / forecast.sizes)
    np.testing.assert_allclose(values["seasonal NB z-score"], (counts - mean) / deviation)
    np.testing.assert_allclose(values["NB predictive p"], -np.log(tails))
    assert (values["BH per hour q=.1"] <= values["NB predictive p"] + 1e-12).all()
    levels = lord_levels(tails.T.ravel().tolist(), 0.1).reshape(tails.T.shape).T
    assert ((values["LORD++ .1 on all p"] >= 0.0) == (tails <= levels)).all()
