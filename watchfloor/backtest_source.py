"""Where a backtest's events come from: a file, a range of the log or a range of ClickHouse; it judges none of them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

import msgspec

from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from broker.span import Span, SpanReader, open_span
from events import SubjectKey
from events.errors import FormatError
from events.formats import EdgeContext, Format
from events.pseudonym import Pseudonymiser
from events.topics import EVENT_TOPICS, Topic, topic_of
from watchfloor.archived import pages, partitions_with
from watchfloor.client import Client
from watchfloor.errors import CommandError
from watchfloor.place import Target

_NO_CLOCK = datetime.max.replace(tzinfo=UTC)
"""What a file holds was the future of no clock."""
_LINES = 1_000
_KAFKA_PAGE = 5_000
_TOPICS = tuple(topic for topic, _ in EVENT_TOPICS)
_IN_RANGE = "at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}"

Stamped = tuple[int, Outgoing]
"""A record with the time by which it is merged with those of other partitions, in milliseconds."""


class BadLine(CommandError):
    """A line of an input file cannot be used; what it holds is not repeated."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        self.source, self.line, self.reason = source, line, reason
        super().__init__(f"{source}:{line}: {reason}")


@dataclass(frozen=True, slots=True)
class Between:
    """A stretch of time; the end is not part of it. None: no limit."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is part of it."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


async def from_file(
    path: Path, between: Between, *, form: Format, pseudonymiser: Pseudonymiser
) -> AsyncIterator[list[Outgoing]]:
    """Events of an NDJSON file in its order. Raises OSError, and BadLine at the first line that is not as it should."""
    reader = _LineReader(form, EdgeContext(pseudonymiser, now=_NO_CLOCK), between)
    with path.open("rb") as file:
        for chunk in _chunks(file):
            yield [one for number, line in chunk for one in reader.events(line, place=(str(path), number))]


def _chunks(file: BinaryIO) -> Iterator[list[tuple[int, bytes]]]:
    lines = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
    while chunk := list(islice(lines, _LINES)):
        yield chunk


@dataclass(frozen=True, slots=True)
class _LineReader:
    """What reads the lines of one file."""

    form: Format
    context: EdgeContext
    between: Between

    def events(self, line: bytes, *, place: tuple[str, int]) -> Iterator[Outgoing]:
        try:
            events = self.form.parse(msgspec.json.decode(line), self.context)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise BadLine(*place, "this is not JSON") from None
        except FormatError as error:
            raise BadLine(*place, f"not {self.form.name}: {error}") from None
        for event in events:
            if self.between.holds(event.at):
                key = str(SubjectKey(event.tenant, event.subject)).encode()
                value = event.model_dump_json(exclude_none=True).encode()
                yield Outgoing(topic_of(event).name, key, value, timestamp_ms=int(event.at.timestamp() * 1000) + 1)


async def from_kafka(settings: KafkaSettings, between: Between) -> AsyncIterator[list[Outgoing]]:
    """Events of the log that arrived within a stretch of time. Raises BrokerUnreachable."""
    async with open_span(settings, _TOPICS, Span(_ms(between.since), _ms(between.until))) as reader:
        streams = [_partition(reader, topic, part) for topic in _TOPICS for part in range(settings.partitions)]
        async for batch in merged(streams):
            yield batch


async def _partition(reader: SpanReader, topic: Topic, partition: int) -> AsyncIterator[list[Stamped]]:
    async for page in reader.pages(topic, partition, size=_KAFKA_PAGE):
        yield [
            (one.timestamp, Outgoing(topic.name, one.key, one.value, partition, timestamp_ms=one.timestamp))
            for one in page
        ]


async def from_clickhouse(goal: Target, between: Between) -> AsyncIterator[list[Outgoing]]:
    """Stored events that happened within a stretch of time and that the token may see. Raises Refused."""
    since, until = between.since or datetime(1970, 1, 1, tzinfo=UTC), between.until or datetime(2106, 1, 1, tzinfo=UTC)
    parameters = {"since": _clickhouse(since), "until": _clickhouse(until)}
    async with Client.connected(goal) as client:
        streams = [
            _stored(client, topic, part, parameters)
            for topic in _TOPICS
            for part in await partitions_with(client, topic, _IN_RANGE, parameters)
        ]
        async for batch in merged(streams):
            yield batch


async def _stored(
    client: Client, topic: Topic, partition: int, parameters: dict[str, str]
) -> AsyncIterator[list[Stamped]]:
    async for page in pages(client, topic, partition, condition=_IN_RANGE, parameters=parameters):
        yield [(one.at_ms, Outgoing(topic.name, one.key, one.value, timestamp_ms=one.at_ms + 1)) for one in page]


async def merged(streams: Sequence[AsyncIterator[list[Stamped]]]) -> AsyncIterator[list[Outgoing]]:
    """Pages of several partitions as one stream: each partition in its own order, all at about the same time.

    A record is as late as the latest before it in its partition, so that an order is never changed by a late one.
    """
    open_streams = [_Buffered(stream) for stream in streams]
    while open_streams:
        open_streams = [one for one in open_streams if await one.filled()]
        if open_streams:
            bound = min(one.records[-1][0] for one in open_streams)
            ready = [record for one in open_streams for record in one.taken(bound)]
            ready.sort(key=itemgetter(0))
            yield [record for _, record in ready]


class _Buffered:
    """One partition's page, each record with the highest time up to it."""

    def __init__(self, stream: AsyncIterator[list[Stamped]]) -> None:
        self._stream = stream
        self._high = 0
        self.records: list[Stamped] = []

    async def filled(self) -> bool:
        """Whether there is a record, after reading on if need be."""
        while not self.records:
            page = await anext(self._stream, None)
            if page is None:
                return False
            for stamp, record in page:
                self._high = max(self._high, stamp)
                self.records.append((self._high, record))
        return True

    def taken(self, bound: int) -> list[Stamped]:
        """Take away what is not later than `bound`."""
        count = next((place for place, (stamp, _) in enumerate(self.records) if stamp > bound), len(self.records))
        taken, self.records = self.records[:count], self.records[count:]
        return taken


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _clickhouse(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
