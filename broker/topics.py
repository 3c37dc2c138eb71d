"""Creates the project's topics and checks what exists; it never changes or deletes a topic."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, NoError, TopicAlreadyExistsError, for_code

from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable, PartitionsDiffer, TopicRefused
from events.topics import EVENT_TOPICS, TOPICS, Topic

_FROM_OUTSIDE = frozenset(topic for topic, _ in EVENT_TOPICS)
_POLL_SECONDS = 0.1
_LEADER_POLLS = 300


async def ensure_topics(settings: KafkaSettings, topics: Iterable[Topic] = TOPICS) -> None:
    """Create the topics that are missing and wait until each has its leaders; does nothing when all exist.

    Raises BrokerUnreachable, PartitionsDiffer when a topic exists with another number of partitions, and TopicRefused.
    """
    wanted = {settings.wire_name(topic): topic for topic in topics}
    async with _admin(settings) as admin:
        missing = wanted.keys() - set(await admin.list_topics())
        if missing:
            await _create(admin, settings, {name: wanted[name] for name in missing})
        await _check(admin, settings, sorted(wanted))


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(**settings.options())
    try:
        try:
            await admin.start()
        except KafkaConnectionError as error:
            raise BrokerUnreachable(settings.bootstrap) from error
        yield admin
    finally:
        await admin.close()


async def _create(admin: Any, settings: KafkaSettings, topics: dict[str, Topic]) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(name, settings.partitions, settings.replication, topic_configs=_config(topic, settings))
            for name, topic in topics.items()
        ]
    )
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise TopicRefused(name, str((message and message[0]) or error.__name__))


def _config(topic: Topic, settings: KafkaSettings) -> dict[str, str]:
    config = {"min.insync.replicas": str(max(1, settings.replication - 1))}
    if topic.compacted:
        config["cleanup.policy"] = "compact"
    if topic in _FROM_OUTSIDE:
        # The lateness and future limits compare with the broker's clock, which no sender can set.
        config["message.timestamp.type"] = "LogAppendTime"
    return config


async def _check(admin: Any, settings: KafkaSettings, names: list[str]) -> None:
    for found in await _when_led(admin, names):
        if len(found["partitions"]) != settings.partitions:
            raise PartitionsDiffer(found["topic"], expected=settings.partitions, found=len(found["partitions"]))


async def _when_led(admin: Any, names: list[str]) -> list[dict[str, Any]]:
    for _ in range(_LEADER_POLLS):
        described: list[dict[str, Any]] = await admin.describe_topics(names)
        leaderless = [found["topic"] for found in described if not _led(found)]
        if not leaderless:
            return described
        await asyncio.sleep(_POLL_SECONDS)
    raise TopicRefused(leaderless[0], "no leader was elected")


def _led(found: dict[str, Any]) -> bool:
    partitions = found["partitions"]
    return bool(partitions) and all(partition["leader"] >= 0 for partition in partitions)
