"""The floor of librdkafka: `confluent_kafka.consume` alone, and with msgspec and plain dicts; it stores nothing."""

from collections.abc import Callable
from typing import Any

import msgspec
from confluent_kafka import Consumer, TopicPartition

from bench.peers.place import Place, Progress
from bench.peers.reading import Reading
from bench.peers.task import Counts

_BATCH = 5_000


def main() -> None:
    """Read until stopped."""
    place = Place.from_arguments()
    progress = Progress(place.folder, branches=1)
    use = _count(progress) if place.mode == "count" else _nothing
    consumer = _consumer(place)
    while True:
        messages = consumer.consume(_BATCH, 0.1)
        use(messages)
        progress.add(len(messages))


def _nothing(messages: list[Any]) -> None:
    del messages


def _count(progress: Progress) -> Callable[[list[Any]], None]:
    counts, decode = Counts(), msgspec.json.Decoder(Reading).decode

    def use(messages: list[Any]) -> None:
        for message in messages:
            counts.add(decode(message.value()))
        progress.trigger(counts.triggers)
        counts.triggers.clear()

    return use


def _consumer(place: Place) -> Any:
    """`fetch.queue.backoff.ms` is 1,000 by default, which leaves it idle most of the time once its queue was full."""
    consumer = Consumer(
        {
            "bootstrap.servers": place.bootstrap,
            "group.id": place.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 10,
        }
    )
    consumer.assign([TopicPartition(place.topic, partition, 0) for partition in range(place.partitions)])
    return consumer


if __name__ == "__main__":
    main()
