"""What a prototype of the spike simulation gave for one fleet of 200 series: numbers to reproduce, not computed here.

Per rise of `spikes_series.RISES`: the share found of the series with at least 2 flagged items an hour, and the median
delay in hours (None: too few were found).
"""

from typing import NamedTuple


class Published(NamedTuple):
    """One method."""

    name: str
    false_a_day: float
    rises: tuple[tuple[float, float | None], ...]


METHODS = (
    Published("EARS C1 (7 h)", 149.0, ((0.23, 0.0), (0.04, None), (0.05, None), (0.04, None))),
    Published("EARS C2 (same hour, 7 d)", 84.0, ((0.77, 1.0), (0.21, 5.0), (0.14, 24.0), (0.69, 31.0))),
    Published("same hour-of-week z, 8 wk", 87.0, ((0.87, 1.0), (0.19, 5.0), (0.20, 29.0), (0.87, 34.0))),
    Published("seasonal NB z-score", 62.0, ((0.68, 1.0), (0.0, None), (0.0, None), (0.38, 37.0))),
    Published("NB predictive p", 3.2, ((0.97, 0.0), (0.62, 4.0), (0.48, 27.0), (0.98, 27.0))),
    Published("NB LR-CUSUM (x2)", 0.14, ((1.00, 0.0), (0.94, 3.0), (0.88, 21.0), (1.00, 16.0))),
    Published("NB mixture e-CUSUM", 0.07, ((1.00, 0.0), (0.94, 3.0), (0.96, 20.0), (1.00, 16.0))),
    Published("BH per hour q=.1", 2.1, ((0.97, 0.0), (0.66, 4.0), (0.59, 26.0), (1.00, 21.0))),
    Published("LORD++ .1 on all p", 0.0, ((0.92, 0.0), (0.0, None), (0.0, None), (0.78, 31.0))),
)
"""False episodes at the nominal setting; power and delay at one false episode a day."""

BEST_SPARSE_POWER = (0.45, 0.12, 0.23, 0.62)
"""The most that any method found of the series below 2 an hour."""


class Setting(NamedTuple):
    """A tolerance on the null mean and D, the tolerated mean time between false pages of the fleet, in hours."""

    tolerance: float
    hours: int
    false_a_day: float
    rises: tuple[tuple[float, float | None], ...]

    @property
    def name(self) -> str:
        """How the tables call it."""
        return f"tolerance {self.tolerance}, D = {self.hours} h"


BUDGETED = (
    Setting(1.0, 24, 0.32, ((0.97, 0.0), (1.00, 3.0), (0.97, 17.0), (1.00, 17.0))),
    Setting(1.0, 168, 0.07, ((0.97, 1.0), (0.88, 4.0), (0.92, 26.0), (1.00, 18.0))),
    Setting(1.0, 720, 0.036, ((0.97, 1.0), (0.78, 5.0), (0.89, 28.0), (1.00, 20.0))),
    Setting(1.1, 24, 0.07, ((0.97, 0.0), (0.83, 4.0), (0.79, 33.0), (1.00, 21.0))),
    Setting(1.1, 168, 0.0, ((0.97, 1.0), (0.73, 6.0), (0.63, 44.0), (1.00, 23.0))),
    Setting(1.2, 168, 0.0, ((0.97, 1.0), (0.54, 8.0), (0.11, 52.0), (1.00, 26.0))),
)
"""False pages, power and delay of the Shiryaev-Roberts form at A = K * D with K = 200 series."""
