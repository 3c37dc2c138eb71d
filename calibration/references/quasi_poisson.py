"""Quasi-Poisson log-linear regression by iteratively reweighted least squares, and Anscombe reweighting; no threshold.

Source: McCullagh and Nelder, Generalized Linear Models (2nd ed., 1989); Farrington et al., A statistical algorithm for
the early detection of outbreaks of infectious disease, JRSS A 159 (1996).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import t as student

Floats = NDArray[np.float64]

_ITERATIONS = 25
_CONVERGED = 1e-8
"""Relative change of the deviance; with the iterations as in R's `glm`, so that its last digits are met."""


@dataclass(frozen=True)
class QuasiPoisson:
    """A fitted model; `mean`, `leverage` and `prior` have one entry per observation."""

    counts: Floats
    prior: Floats
    """Prior weights of the observations."""
    coefficients: Floats
    covariance: Floats
    """Of the coefficients, for dispersion 1."""
    mean: Floats
    leverage: Floats
    converged: bool

    @classmethod
    def fit(cls, design: Floats, counts: Floats, prior: Floats | None = None) -> Self:
        """Fit the counts (n) on the design (n x p)."""
        weights = np.ones_like(counts) if prior is None else prior
        predictor, before = np.log(counts + 0.1), np.inf
        for _ in range(_ITERATIONS):
            mean = np.exp(predictor)
            root = np.sqrt(weights * mean)
            target = predictor + (counts - mean) / mean
            q, r = np.linalg.qr(design * root[:, None])
            coefficients = np.linalg.solve(r, q.T @ (target * root))
            predictor = design @ coefficients
            after = _deviance(counts, np.exp(predictor), weights)
            if converged := abs(after - before) < _CONVERGED * (abs(after) + 0.1):
                break
            before = after
        inverse = np.linalg.inv(r)
        fitted = np.exp(predictor)
        return cls(counts, weights, coefficients, inverse @ inverse.T, fitted, (q**2).sum(axis=1), bool(converged))

    @property
    def freedom(self) -> int:
        """Residual degrees of freedom."""
        return self.counts.size - self.coefficients.size

    @property
    def dispersion(self) -> float:
        """Pearson's estimate; below 1 where the counts vary less than Poisson counts."""
        return float((self.prior * (self.counts - self.mean) ** 2 / self.mean).sum() / self.freedom)

    @property
    def working_dispersion(self) -> float:
        """Relative instead of Pearson residuals: what surveillance's farringtonFlexible takes after reweighting."""
        return float((self.prior * ((self.counts - self.mean) / self.mean) ** 2).sum() / self.freedom)

    def p_value(self, coefficient: int, dispersion: float) -> float:
        """Two-sided p-value of Student's t for one coefficient."""
        error = np.sqrt(dispersion * self.covariance[coefficient, coefficient])
        return float(2.0 * student.sf(abs(self.coefficients[coefficient]) / error, self.freedom))

    def predict(self, row: Floats, dispersion: float) -> tuple[float, float]:
        """The linear predictor at a design row (p) and its standard error."""
        return float(row @ self.coefficients), float(np.sqrt(dispersion * row @ self.covariance @ row))

    def reweighted(self, design: Floats, threshold: float) -> Self:
        """The model fitted again with past outbreaks weighed down."""
        residuals = anscombe_residuals(self, max(1.0, self.dispersion))
        return self.fit(design, self.counts, outbreak_weights(residuals, threshold))


def anscombe_residuals(model: QuasiPoisson, dispersion: float) -> Floats:
    """Standardised Anscombe residuals of a Poisson model."""
    raw = 1.5 * (model.counts ** (2 / 3) * model.mean ** (-1 / 6) - model.mean**0.5)
    return np.asarray(raw / np.sqrt(dispersion * (1.0 - model.leverage)))


def outbreak_weights(residuals: Floats, threshold: float) -> Floats:
    """Weights that fall as residual^-2 above the threshold, scaled to sum to the number of observations.

    >>> outbreak_weights(np.array([0.0] * 5 + [2.0] * 5), 0.0).round(1).tolist()
    [1.6, 1.6, 1.6, 1.6, 1.6, 0.4, 0.4, 0.4, 0.4, 0.4]
    """
    relative = np.ones_like(residuals)
    np.divide(1.0, residuals**2, out=relative, where=residuals > threshold)
    return np.asarray(relative * (residuals.size / relative.sum()))


def _deviance(counts: Floats, mean: Floats, weights: Floats) -> float:
    return float(2.0 * (weights * (xlogy(counts, counts / mean) - (counts - mean))).sum())
