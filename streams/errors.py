"""What can stop a worker, or keep a prior from being fitted.

StreamError
├── TooManyDeadLetters   bad input beyond the policy's limit
├── SecondWorker         the broker has no transactions, and another worker is alive
└── UnfitPopulation      no prior can be had from these subjects (detectors/prior_fit.py)
"""


class StreamError(Exception):
    """Root of the errors of this package."""


class TooManyDeadLetters(StreamError):
    """The share or the run of bad records passed the policy's limit: the source is broken, not the record."""

    def __init__(self, topic: str, partition: int, *, offset: int, limit: str) -> None:
        self.topic, self.partition, self.offset, self.limit = topic, partition, offset, limit
        super().__init__(
            f"{topic}/{partition} at offset {offset}: {limit}; the worker stops here and resumes at the same place"
        )


class SecondWorker(StreamError):
    """Without transactions nothing fences a paused worker, so only one may run."""

    def __init__(self, group: str) -> None:
        self.group = group
        super().__init__(f"another worker of group {group} is running, and this broker has no transactions: run one")
