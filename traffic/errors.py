"""What can be wrong with a simulation's inputs; nothing else in this package raises on bad input.

TrafficError
├── ScenarioError(field, reason)
├── ArrivalsError(line, reason)
└── TruthError(reason)
"""


class TrafficError(Exception):
    """The root: every error of this package is one."""


class ScenarioError(TrafficError):
    """A field of the scenario is outside what can be simulated."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class ArrivalsError(TrafficError):
    """A line of the arrivals file could not be used; line 0 is the file as a whole."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}" if self.line else self.reason


class TruthError(TrafficError):
    """A document is not a simulation's truth."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
