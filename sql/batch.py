"""What the archiver is given and what it answers: plain values, so that nothing in this package knows Kafka."""

from dataclasses import dataclass
from typing import NamedTuple


class Record(NamedTuple):
    """One record of the log. A consumer's own records have these attributes too, and are taken as they are."""

    offset: int
    timestamp: int
    """The broker's or producer's time, milliseconds since 1970."""
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, in the order of their offsets; `topic` is the name without any prefix."""

    topic: str
    partition: int
    records: list[Record]


@dataclass(frozen=True, slots=True)
class StoredReport:
    """What became of a batch; the four add up to its records."""

    stored: int = 0
    """Rows that are in ClickHouse now and were not before."""
    duplicate: int = 0
    """Events that were stored before under another offset."""
    invalid: int = 0
    """Records that do not follow their topic's contract, or come from the future."""
    already: int = 0
    """Records below the next offset: stored or judged by an earlier batch."""
