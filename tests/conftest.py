"""Parts that several kinds of tests share; a part starts when the first test asks for it."""

import os
from collections.abc import Iterator

import pytest
from apache_kafka import ApacheKafka, KafkaUnavailable


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--minutes", type=float, default=0, help="how long faults go on at random; 0 for one short round")
    parser.addoption("--seed", type=int, default=None, help="the seed of the first round of faults; random when unset")


@pytest.fixture(scope="session")
def apache_kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """Apache Kafka for the whole session; a test that stops or kills it starts it again. Required when CI=true."""
    try:
        kafka = ApacheKafka(tmp_path_factory.mktemp("kafka"))
        kafka.start()
    except KafkaUnavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Apache Kafka is required in CI: {error}")
        pytest.skip(f"no Apache Kafka: {error}")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        print(f"\nApache Kafka {kafka.version} at {kafka.settings.bootstrap}")
    yield kafka
    kafka.stop()
