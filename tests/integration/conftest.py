"""The brokers that integration tests run on: the embedded one, Apache Kafka, or each in turn."""

import gc
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from apache_kafka import ApacheKafka
from loop.figures import told

from broker.connection import KafkaSettings
from broker.embedded import EmbeddedBroker

__all__ = ["apache", "broker", "embedded", "told"]


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[KafkaSettings]:
    """An embedded broker of the test's own."""
    async with EmbeddedBroker(tmp_path / "embedded-broker.log") as broker:
        yield broker.settings


@pytest.fixture
def apache(apache_kafka: ApacheKafka) -> Iterator[KafkaSettings]:
    """The session's Apache Kafka, with a prefix that no other test uses."""
    yield apache_kafka.settings.model_copy(update={"topic_prefix": f"{uuid.uuid4().hex[:8]}-"})
    # A fenced producer leaves futures that complain when they are collected; Python 3.11.7 fails if that is in a parse.
    gc.collect()


@pytest.fixture(
    params=[pytest.param("embedded", marks=pytest.mark.embedded), pytest.param("apache", marks=pytest.mark.kafka)]
)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KafkaSettings]:
    """Each broker in turn, for the contract that both must meet."""
    if request.param == "apache":
        yield request.getfixturevalue("apache")
        return
    async with EmbeddedBroker(tmp_path / "embedded-broker.log") as started:
        yield started.settings
