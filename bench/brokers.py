"""The broker of a benchmark: Apache Kafka or the embedded one, started here, or one that is running."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from bench.errors import UnknownBroker
from broker.connection import KafkaSettings
from broker.embedded import EmbeddedBroker
from tests.apache_kafka import ApacheKafka

_PREFIX = "bench-"
_ADDRESS = re.compile(r"[^:\s]+:\d+")


class Broker(NamedTuple):
    """A running broker."""

    name: str
    settings: KafkaSettings


def usual_broker() -> str:
    """`apache` where Java and Maven are there, else `embedded`."""
    return "apache" if shutil.which("java") and shutil.which("mvn") else "embedded"


@asynccontextmanager
async def open_broker(which: str, folder: Path) -> AsyncIterator[Broker]:
    """`apache`, `embedded` or `host:port`; what is started here ends with the block. Raises UnknownBroker."""
    if which == "embedded":
        async with EmbeddedBroker(folder / "broker.log") as broker:
            yield Broker("embedded broker", _prefixed(broker.settings))
    elif which == "apache":
        kafka = ApacheKafka(folder / "kafka")
        try:
            kafka.start()
            yield Broker(f"Apache Kafka {kafka.version}", _prefixed(kafka.settings))
        finally:
            kafka.stop()
    elif _ADDRESS.fullmatch(which):
        yield Broker(which, _prefixed(KafkaSettings(bootstrap=which)))
    else:
        raise UnknownBroker(which)


def _prefixed(settings: KafkaSettings) -> KafkaSettings:
    return settings.model_copy(update={"topic_prefix": f"{_PREFIX}{uuid4().hex[:8]}."})
