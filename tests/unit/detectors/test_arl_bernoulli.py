"""Run lengths on yes-or-no and counted values: published and recomputed tables, by exact chains."""

from math import log

import numpy as np
import pytest

from calibration.bernoulli import (
    CUSUM_TABLE,
    PARTS,
    RATES,
    SPRT_TABLE,
    cusum_run_length,
    lattice_alternative,
    printed,
)
from calibration.bernoulli_exact import Sprt, run_length
from calibration.counts import NEGATIVE_BINOMIAL, POISSON, PoissonChart, negative_binomial_length
from streams.detectors.mixture_cusum import advance, bernoulli


@pytest.mark.parametrize("height", CUSUM_TABLE)
def test_the_bernoulli_cusum_has_the_tabulated_run_lengths(height: int) -> None:
    for rate, figure in zip(RATES, CUSUM_TABLE[height], strict=True):
        assert printed("", cusum_run_length(height, rate), figure=figure, table="").holds


def test_the_e_cusum_with_one_alternative_is_that_cusum() -> None:
    """Path by path, hence in run length too: ln E is S in units of ln L(hit) - ln L(miss)."""
    ratios = bernoulli(0.02, (lattice_alternative(),))
    unit = ratios.hit[0] - ratios.miss[0]
    logs, lattice = (0.0,), 0
    for hit in np.random.default_rng(15).random(5000) < 0.05:
        logs, mean = advance(logs, ratios.hit if hit else ratios.miss)
        lattice = max(0, lattice + (PARTS - 1 if hit else -1))
        assert max(0.0, mean) == pytest.approx(lattice * unit / PARTS, abs=1e-9)


@pytest.mark.parametrize("chart", POISSON)
def test_the_poisson_cusum_has_the_tabulated_run_lengths(chart: PoissonChart) -> None:
    for mean, expected in chart.lengths:
        assert chart.exact(mean) == pytest.approx(expected, abs=0.0051)


def test_the_poisson_cusum_has_the_published_run_lengths() -> None:
    """Lucas, Counted data CUSUMs, Technometrics 27 (1985), tables 2 and 3: 438 and, with a head start, 333."""
    chart = PoissonChart(0.25, "0.25", 10, ())
    assert chart.exact(0.25) == pytest.approx(438.125, abs=5e-4)
    assert chart.exact(0.25, start=5) == pytest.approx(333.125, abs=5e-4)


@pytest.mark.parametrize(("mean", "exact"), [(10.0, 1344.00), (20.0, 10.396)])
def test_the_negative_binomial_cusum_has_the_recomputed_run_lengths(mean: float, exact: float) -> None:
    """The recomputed values come from a grid of 2000 states; here there is no grid error."""
    length = negative_binomial_length(mean)
    assert length == pytest.approx(exact, rel=1e-4)
    assert length == pytest.approx(dict(NEGATIVE_BINOMIAL)[mean], rel=2e-3)


@pytest.mark.parametrize(("test", "bounds", "wald", "lengths", "accepted"), SPRT_TABLE)
def test_walds_formulas_have_the_printed_values(
    test: Sprt, bounds: tuple[str, ...], wald: tuple[str, ...], lengths: tuple[float, ...], accepted: tuple[float, ...]
) -> None:
    for value, figure in zip(test.bounds, bounds, strict=True):
        assert printed("", value, figure=figure, table="").holds
    for at, rate in enumerate((test.null, test.alternative)):
        assert printed("", test.approximate_length(rate), figure=wald[at], table="").holds
        length, share = test.exact(rate)
        assert length == pytest.approx(lengths[at], rel=0.003)
        assert share == pytest.approx(accepted[at], rel=0.1)


def test_walds_test_keeps_both_errors() -> None:
    for test, *_ in SPRT_TABLE:
        assert test.exact(test.null)[1] <= test.alpha / (1.0 - test.beta)
        assert 1.0 - test.exact(test.alternative)[1] <= test.beta / (1.0 - test.alpha)


def test_walds_test_simulated_agrees_with_the_recursion() -> None:
    test = SPRT_TABLE[0][0]
    lengths, accepted = test.simulated(np.random.default_rng(16), test.alternative, 4000)
    length, share = test.exact(test.alternative)
    assert lengths.mean() == pytest.approx(length, abs=3.5 * lengths.std() / 4000**0.5)
    assert accepted.mean() == pytest.approx(share, abs=3.5 * accepted.std() / 4000**0.5)


def test_a_chain_of_one_state_is_geometric() -> None:
    assert run_length([1, 0], [0.25, 0.75], height=1) == pytest.approx(4.0)
    assert log(run_length([1, -1], [0.5, 0.5], height=2)) == pytest.approx(log(6.0))
