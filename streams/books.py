"""The books of one input partition: every record read is applied, late, a duplicate or dead, and never two of them."""

from typing import Literal

import msgspec

Outcome = Literal["applied", "late", "duplicate", "dead"]


class Books(msgspec.Struct, gc=False):
    """Totals since the partition's first record. `read` is the sum of the other four, always."""

    topic: str
    partition: int
    read: int = 0
    applied: int = 0
    late: int = 0
    duplicate: int = 0
    dead: int = 0
    next_offset: int = 0

    def enter(self, outcome: Outcome) -> None:
        """Book one record."""
        self.read += 1
        setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def balanced(self) -> bool:
        """Nothing was read that is not accounted for."""
        return self.read == self.applied + self.late + self.duplicate + self.dead

    @property
    def key(self) -> bytes:
        """The record key in the books topic."""
        return f"{self.topic}|{self.partition}".encode()
