"""Reads a stretch of time of whole topics, by partition and page; it joins no group and commits nothing."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable
from broker.leave import leave
from broker.view import Record
from events.topics import Topic

_WAIT_MS = 200
_EMPTY_ANSWERS = 5
_FOREVER_MS = 1 << 62


class Span(NamedTuple):
    """A stretch of the log's own time, milliseconds since 1970; the end is not part of it. None: no limit."""

    since_ms: int | None = None
    until_ms: int | None = None


class SpanReader:
    """Open partitions; use `open_span`."""

    def __init__(self, consumer: Any, settings: KafkaSettings, span: Span) -> None:
        self._consumer, self._settings, self._span = consumer, settings, span
        self._ends: dict[TopicPartition, int] = {}

    async def seek(self, partitions: list[TopicPartition]) -> None:
        """Go to the span's first record of every partition, and note where each ends now."""
        self._consumer.assign(partitions)
        if self._settings.embedded:
            return
        self._ends = await self._consumer.end_offsets(partitions)
        if self._span.since_ms is not None:
            places = await self._consumer.offsets_for_times(dict.fromkeys(partitions, self._span.since_ms))
            for partition, place in places.items():
                self._consumer.seek(partition, place.offset if place else self._ends[partition])

    async def pages(self, topic: Topic, partition: int, *, size: int) -> AsyncIterator[list[Record]]:
        """The records of one partition, at most `size` at a time, up to the span's end or the partition's."""
        place = TopicPartition(self._settings.wire_name(topic), partition)
        since, until = self._span.since_ms or 0, self._span.until_ms or _FOREVER_MS
        empty = 0
        while empty < _EMPTY_ANSWERS and not await self._at_end(place):
            found = await self._consumer.getmany(place, timeout_ms=_WAIT_MS, max_records=size)
            records = found.get(place, [])
            empty = 0 if records else empty + 1
            if page := [one for one in records if since <= one.timestamp < until]:
                yield page
            if records and records[-1].timestamp >= until:
                return

    async def _at_end(self, place: TopicPartition) -> bool:
        end = self._ends.get(place)
        return end is not None and await self._consumer.position(place) >= end


@asynccontextmanager
async def open_span(settings: KafkaSettings, topics: Iterable[Topic], span: Span) -> AsyncIterator[SpanReader]:
    """Every partition of these topics, at the span's beginning. Raises BrokerUnreachable."""
    consumer = AIOKafkaConsumer(
        **settings.options(), group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest", isolation_level="read_committed",
    )  # fmt: skip
    try:
        await consumer.start()
    except KafkaConnectionError as error:
        await leave(consumer)
        raise BrokerUnreachable(settings.bootstrap) from error
    try:
        reader = SpanReader(consumer, settings, span)
        names = [settings.wire_name(topic) for topic in topics]
        await reader.seek([TopicPartition(name, part) for name in names for part in range(settings.partitions)])
        yield reader
    finally:
        await leave(consumer)
