"""What the command line itself can refuse.

CommandError
├── NothingRunning   no local installation answers, and no address was given
├── BadSettings      an environment variable does not hold what it should
└── Unfulfilled      a check that the command was asked to make has failed
"""


class CommandError(Exception):
    """Root of the errors of this package; printed as one line."""


class NothingRunning(CommandError):
    """A command that talks to the API found no address to talk to."""

    def __init__(self, place: str) -> None:
        self.place = place
        super().__init__(f"nothing is running in {place}: start `watchfloor dev`, or give --url and --token-file")


class BadSettings(CommandError):
    """Environment variables that cannot be used; their values are not repeated."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems))


class Unfulfilled(CommandError):
    """The command worked, and what it checked does not hold."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)
