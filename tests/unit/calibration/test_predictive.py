import pytest

from calibration.references.predictive import gamma_poisson_tail, tail
from streams.detectors.negative_binomial import predictive_size


@pytest.mark.parametrize(("count", "expected"), [(4, 0.54065129), (8, 0.07559579), (12, 0.00424976), (16, 0.00013492)])
def test_tail_of_the_predictive_negative_binomial(count, expected):
    assert tail(count, 4.0, predictive_size(15.0, 0.1)) == pytest.approx(expected, abs=5e-9)


@pytest.mark.parametrize(
    ("count", "shape", "exposure", "expected"),
    [
        (5, 20, 10, 0.0612334),
        (8, 20, 10, 0.00212671),
        (10, 2, 1, 0.005859375),
        (5, 200, 100, 0.05355075),
    ],
)
def test_tail_after_a_gamma_posterior(count, shape, exposure, expected):
    assert gamma_poisson_tail(count, shape=shape, exposure=exposure) == pytest.approx(expected, rel=1e-5)


def test_a_longer_exposure_expects_more():
    assert gamma_poisson_tail(5, shape=20, exposure=10, ahead=2) > gamma_poisson_tail(5, shape=20, exposure=10)
