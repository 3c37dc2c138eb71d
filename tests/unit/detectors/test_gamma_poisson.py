"""The posterior of a subject's rate, against recomputed values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from streams.detectors.gamma_poisson import exceedance

PRIOR = {"prior_violations": 0.5, "prior_requests": 100.0}


@pytest.mark.parametrize(
    ("violations", "requests", "expected", "fifth_percentile"),
    [
        (2, 10, 0.49337352, 0.005207),
        (5, 50, 0.87336425, 0.015249),
        (14, 60, 0.99999677, 0.055339),
        (40, 2000, 0.38778250, 0.014586),
    ],
)
def test_the_posterior_has_the_recomputed_values(
    violations: int, requests: int, expected: float, fifth_percentile: float
) -> None:
    assert exceedance(violations, requests, **PRIOR, rate=0.02) == pytest.approx(expected, abs=5e-9)
    assert exceedance(violations, requests, **PRIOR, rate=fifth_percentile) == pytest.approx(0.95, abs=2e-4)


@given(st.floats(0, 500), st.floats(0, 5000), st.floats(0.001, 0.5))
def test_it_is_the_survival_function_of_the_gamma_posterior(violations: float, requests: float, rate: float) -> None:
    expected = gamma.sf(rate, 0.5 + violations, scale=1 / (100 + requests))
    assert exceedance(violations, requests, **PRIOR, rate=rate) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(st.floats(0, 100), st.floats(0, 1000))
def test_a_violation_never_clears_and_a_request_never_incriminates(violations: float, requests: float) -> None:
    here = exceedance(violations, requests, **PRIOR, rate=0.02)
    assert exceedance(violations + 1, requests, **PRIOR, rate=0.02) >= here
    assert exceedance(violations, requests + 1, **PRIOR, rate=0.02) <= here
