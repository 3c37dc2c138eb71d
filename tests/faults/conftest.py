"""The input of the fault tests, and what an undisturbed worker makes of it."""

from time import monotonic

import pytest
import pytest_asyncio
from apache_kafka import ApacheKafka
from loop.figures import told
from loop.fixed import fixed_input
from loop.process import worker
from loop.run import Run, Undisturbed

from broker.connection import KafkaSettings

__all__ = ["apache", "told", "undisturbed"]


@pytest.fixture
def apache(apache_kafka: ApacheKafka) -> KafkaSettings:
    """Topics of the test's own on the session's Apache Kafka."""
    return apache_kafka.installation()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def undisturbed(apache_kafka: ApacheKafka, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What one worker that nothing happens to makes of the input."""
    kafka, records = apache_kafka.installation(), fixed_input()
    started = monotonic()
    log = tmp_path_factory.mktemp("undisturbed") / "worker.log"
    with worker(kafka, log, batch_records=500):
        async with Run.fed(kafka, records) as run:
            done = await run.done()
    assert not done.twice
    return Undisturbed(records, done.outcome, monotonic() - started)
