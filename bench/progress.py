"""How far a group of processes has come, read from the log and from nothing in the processes themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from broker.connection import KafkaSettings
from events.topics import BOOKS, FILTER_VERDICTS
from streams.books import Books


class BooksTopic:
    """The worker's books as they become durable: everything that they name is counted and its state is written."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.books: dict[int, Books] = {}

    @classmethod
    @asynccontextmanager
    async def followed(cls, kafka: KafkaSettings) -> AsyncIterator[Self]:
        """Read them for as long as the block lasts."""
        consumer = AIOKafkaConsumer(
            **kafka.options(), group_id=None, auto_offset_reset="earliest", isolation_level="read_committed"
        )
        await consumer.start()
        try:
            topic = kafka.wire_name(BOOKS)
            consumer.assign([TopicPartition(topic, partition) for partition in range(kafka.partitions)])
            yield cls(consumer)
        finally:
            await consumer.stop()

    async def done(self) -> int:
        """Verdicts read so far; waits a little for news."""
        for records in (await self._consumer.getmany(timeout_ms=50)).values():
            for record in records:
                books = msgspec.json.decode(record.value, type=Books)
                if books.topic == FILTER_VERDICTS.name:
                    self.books[books.partition] = books
        return sum(books.read for books in self.books.values())

    def verdict(self, events: int) -> str:
        """In words, whether every event was applied once and the books balance."""
        books = list(self.books.values())
        applied = sum(one.applied for one in books)
        if applied == events and all(one.balanced and one.read == one.applied for one in books):
            return f"books balanced, {applied:,} applied"
        return f"wrong: {applied:,} of {events:,} applied, {sum(one.balanced for one in books)} books balanced"


class Commits:
    """The archiver's committed offsets: it commits only what ClickHouse has."""

    def __init__(self, admin: Any, group: str, partitions: list[TopicPartition]) -> None:
        self._admin, self._group, self._partitions = admin, group, partitions

    @classmethod
    @asynccontextmanager
    async def followed(cls, kafka: KafkaSettings, group: str) -> AsyncIterator[Self]:
        """Ask for them for as long as the block lasts."""
        admin = AIOKafkaAdminClient(**kafka.options())
        await admin.start()
        try:
            topic = kafka.wire_name(FILTER_VERDICTS)
            yield cls(admin, group, [TopicPartition(topic, partition) for partition in range(kafka.partitions)])
        finally:
            await admin.close()

    async def done(self) -> int:
        """Verdicts stored so far; waits a little before it asks."""
        await asyncio.sleep(0.02)
        try:
            offsets = await self._admin.list_consumer_group_offsets(self._group, partitions=self._partitions)
        except GroupCoordinatorNotAvailableError:  # a broker elects none before its first group
            return 0
        return sum(max(0, one.offset) for one in offsets.values())
