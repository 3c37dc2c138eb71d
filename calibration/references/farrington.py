"""Farrington's outbreak detection, the improved (flexible) and the original algorithm; it works on series with a year.

Sources: Farrington et al., JRSS A 159 (1996); Noufaily et al., Statistics in Medicine 32 (2013); Salmon, Schumacher and
Höhle, Monitoring count time series in R, JSS 70 (2016). Indices of weeks count from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.references.farrington_bound import (
    Bound,
    Prediction,
    plugin_bound,
    transformed_bound,
    uncertain_bound,
)
from calibration.references.quasi_poisson import Floats, QuasiPoisson

_YEARS_FOR_TREND = 3
_TREND = 1
"""Column of the time in the design."""


class Outcome(NamedTuple):
    """One judged week."""

    expected: float
    dispersion: float
    upper: float
    has_trend: bool
    is_alarm: bool


@dataclass(frozen=True)
class FarringtonFlexible:
    """The improved algorithm; the defaults are those that Noufaily et al. recommend, apart from the level `alpha`.

    `dispersion` tells what the error of the prediction takes: Pearson's estimate, that but at least 1 (floored), or
    what the package surveillance takes after reweighting (compat): relative instead of Pearson residuals, for the test
    of the trend too. The last is there to meet that package's numbers.
    """

    years: int = 5
    window: int = 3
    """Weeks before and after the same week of an earlier year."""
    periods: int = 10
    """Parts of a year with a level of their own; 1 uses the windows alone."""
    not_included: int = 26
    """Last weeks left out, so that an outbreak does not raise its own bound."""
    residual_threshold: float = 2.58
    """Anscombe residual from which a week is weighed down."""
    trend_below: float = 1.0
    """The trend is kept where its p-value is below this."""
    alpha: float = 0.01
    bound: Literal["delta", "nbPlugin", "muan"] = "nbPlugin"
    season: int = 52
    at_least: tuple[int, int] = (5, 4)
    """Cases and weeks: no alarm unless so many cases came in so many weeks, this one included."""
    dispersion: Literal["pearson", "floored", "compat"] = "pearson"

    def judge(self, counts: Sequence[int], week: int) -> Outcome:
        """Compare one week with the years before; raises ValueError where the series does not reach back so far."""
        if week < self.years * self.season + self.window:
            raise ValueError(week)
        blocks = self._blocks(week)
        included = np.array(sorted(past for past in blocks if past < week - self.not_included))
        groups = np.array([blocks[int(past)] for past in included])
        observed = np.asarray(counts, float)[included]
        model, has_trend = self._model(included, groups, observed, week=week)
        prediction = self._predict(model, groups, week=week, has_trend=has_trend)
        count = counts[week]
        upper = self._bound(prediction, count).upper
        cases, weeks = self.at_least
        enough = sum(counts[week - weeks + 1 : week + 1]) >= cases
        return Outcome(prediction.mean, prediction.dispersion, upper, has_trend, enough and count > upper)

    def _blocks(self, week: int) -> dict[int, int]:
        """Week to seasonal group; the windows round this week's anniversaries are group 0."""
        blocks: dict[int, int] = {}
        for year in range(self.years, 0, -1):
            anniversary = week - year * self.season
            blocks |= dict.fromkeys(range(anniversary - self.window, anniversary + self.window + 1), 0)
            if self.periods > 1:
                between = range(anniversary + self.window + 1, anniversary + self.season - self.window)
                parts = np.array_split(np.arange(between.start, between.stop), self.periods - 1)
                blocks |= {int(past): 1 + part for part, weeks in enumerate(parts) for past in weeks}
        return blocks

    def _model(
        self, weeks: NDArray[np.int64], groups: NDArray[np.int64], observed: Floats, *, week: int
    ) -> tuple[QuasiPoisson, bool]:
        model = self._fit(_design(weeks, groups, has_trend=True), observed)
        if not model.converged:
            return self._fit(_design(weeks, groups, has_trend=False), observed), False
        dispersion = model.working_dispersion if self.dispersion == "compat" else model.dispersion
        is_significant = model.p_value(_TREND, dispersion) < self.trend_below
        mean = self._predict(model, groups, week=week, has_trend=True).mean
        if self.years >= _YEARS_FOR_TREND and is_significant and mean <= observed.max():
            return model, True
        return self._fit(_design(weeks, groups, has_trend=False), observed), False

    def _fit(self, design: Floats, observed: Floats) -> QuasiPoisson:
        return QuasiPoisson.fit(design, observed).reweighted(design, self.residual_threshold)

    def _predict(self, model: QuasiPoisson, groups: NDArray[np.int64], *, week: int, has_trend: bool) -> Prediction:
        row = np.zeros(model.coefficients.size)
        row[0] = 1.0
        if has_trend:
            row[_TREND] = week
        floored = max(1.0, model.dispersion)
        errors = {"pearson": model.dispersion, "floored": floored, "compat": model.working_dispersion}
        predictor, error = model.predict(row, errors[self.dispersion])
        return Prediction(float(np.exp(predictor)), error, floored)

    def _bound(self, prediction: Prediction, count: int) -> Bound:
        methods = {"delta": transformed_bound, "nbPlugin": plugin_bound, "muan": uncertain_bound}
        return methods[self.bound](prediction, count, alpha=self.alpha)


def farrington(*, years: int = 5, window: int = 3, alpha: float = 0.05, season: int = 52) -> FarringtonFlexible:
    """The algorithm of 1996: windows of earlier years alone, two-sided level, dispersion at least 1 for the error."""
    return FarringtonFlexible(
        years=years,
        window=window,
        periods=1,
        not_included=window,
        residual_threshold=1.0,
        trend_below=0.05,
        alpha=alpha / 2.0,
        bound="delta",
        season=season,
        dispersion="floored",
    )


def _design(weeks: NDArray[np.int64], groups: NDArray[np.int64], *, has_trend: bool) -> Floats:
    columns = [np.ones(weeks.size)]
    if has_trend:
        columns.append(weeks.astype(float))
    columns += [(groups == group).astype(float) for group in np.unique(groups) if group > 0]
    return np.column_stack(columns)
