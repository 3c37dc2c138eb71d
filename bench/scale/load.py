"""A steady stream of verdicts beside what is measured; as a process it sends at a rate and prints what it reached."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from time import perf_counter

import msgspec

from bench.workload import EVENTS_PER_SECOND, Workload
from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from events.topics import FILTER_VERDICTS

_TICK_SECONDS = 0.05


async def send_steadily(kafka: KafkaSettings, *, rate: int, seconds: float) -> dict[str, float]:
    """Send `rate` events a second; event time ends near the present, wherever it began."""
    events = int(rate * seconds)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=events / EVENTS_PER_SECOND)  # noqa: TID251  shell
    workload, producer, at_once = Workload(events, start), BulkProducer(kafka), int(rate * _TICK_SECONDS)
    await producer.start()
    began = perf_counter()
    try:
        for first in range(0, events, at_once):
            await asyncio.sleep(max(0.0, began + first / rate - perf_counter()))
            part = workload.part(first, first + at_once)
            await producer.send([Outgoing(FILTER_VERDICTS.name, one.key, one.value) for one in part])
    finally:
        await producer.stop()
    return {"sent": events, "events per second": events / (perf_counter() - began)}


def main() -> None:
    """`python -m bench.scale.load RATE SECONDS`; where Kafka is say WATCHFLOOR_KAFKA_*."""
    rate, seconds = int(sys.argv[1]), float(sys.argv[2])
    print(msgspec.json.encode(asyncio.run(send_steadily(KafkaSettings(), rate=rate, seconds=seconds))).decode())


if __name__ == "__main__":
    main()
