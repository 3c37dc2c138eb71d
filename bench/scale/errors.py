"""Errors of these measurements.

ScaleError
├── NothingMeasured  a plot wants results that were never saved
├── TooSlow          something that must happen did not within the time allowed
└── WrongAnswer      the API refused what it should answer
"""


class ScaleError(Exception):
    """Root of these errors; see the tree above."""


class NothingMeasured(ScaleError):
    """No results are saved under this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"nothing is measured yet: run `python -m bench.scale {name}` first")


class TooSlow(ScaleError):
    """Waited in vain."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds = what, seconds
        super().__init__(f"{what}: not within {seconds:g} s")


class WrongAnswer(ScaleError):
    """An HTTP status other than 200."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the API answered {status}")
