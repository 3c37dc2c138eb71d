"""The embedded broker fences nobody, so a second worker there is refused, and the first goes on."""

import asyncio
from pathlib import Path

import pytest
from loop.process import worker
from loop.waiting import until

from broker.embedded import EmbeddedBroker

pytestmark = pytest.mark.embedded


async def test_a_second_worker_on_the_embedded_broker_is_refused_in_one_line(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "broker.log") as broker:
        with worker(broker.settings, tmp_path / "first.log", session_seconds=6) as first:
            await until(lambda: '"worker_started"' in first.said, "the first worker runs")
            with worker(broker.settings, tmp_path / "second.log", session_seconds=6) as second:
                assert await asyncio.to_thread(second.wait) == 1
                assert second.said.strip().splitlines()[-1].endswith("this broker has no transactions: run one")
                assert "Traceback" not in second.said
                assert "worker_started" not in second.said
            assert first.code is None
            assert first.stop()[0] == 0
