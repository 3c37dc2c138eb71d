"""Errors of the benchmark.

BenchError
├── ChildFailed     a measured process ended by itself
├── NotFinished     a measured process took longer than it may
├── Unavailable     a peer's packages cannot be had for this Python
└── UnknownBroker   `--broker` names none
"""

from pathlib import Path


class BenchError(Exception):
    """Root of the benchmark's errors."""


class ChildFailed(BenchError):
    """A process that should have gone on has ended; its log says why."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        self.name, self.code, self.log = name, code, log
        tail = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
        super().__init__(f"{name} ended with code {code}:\n{tail}")


class NotFinished(BenchError):
    """The events were not done within the time allowed."""

    def __init__(self, name: str, done: int, wanted: int) -> None:
        self.name, self.done, self.wanted = name, done, wanted
        super().__init__(f"{name} did {done:,} of {wanted:,} events and then took too long")


class Unavailable(BenchError):
    """A peer cannot be measured here, through no fault of its or ours."""

    def __init__(self, peer: str, reason: str) -> None:
        self.peer, self.reason = peer, reason
        super().__init__(f"{peer} {reason}")


class UnknownBroker(BenchError):
    """Neither `apache` nor `embedded` nor `host:port`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"unknown broker {name}: apache, embedded or HOST:PORT")
