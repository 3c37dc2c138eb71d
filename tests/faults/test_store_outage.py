"""A ClickHouse that crashes, hangs or has no disk left: the archiver waits, and then stores every event once."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from loop.archive import all_stored, committed, reaches, send
from loop.clickhouse_server import ClickHouseServer
from loop.fixed import fixed_input
from loop.process import Process, archiver, migrated
from loop.stored import assert_stored
from loop.waiting import until

from broker.connection import KafkaSettings
from broker.topics import ensure_topics

pytestmark = [pytest.mark.kafka, pytest.mark.embedded]
RECORDS = 24_000
DISK_BYTES = 512 << 20
LEFT_BYTES = 64 << 20
"""Less than an archiver asks for, and enough for the insert that is under way."""


def memory_of(process: Process) -> int:
    """Resident bytes, as Linux tells."""
    return int(Path(f"/proc/{process.pid}/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_clickhouse_that_hangs_and_crashes_while_an_hour_of_log_comes_in_ends_up_equal_to_it(
    apache: KafkaSettings, tmp_path: Path, told: Callable[[str], None]
) -> None:
    records, started = fixed_input()[:RECORDS], monotonic()
    with ClickHouseServer(tmp_path / "clickhouse", tmp_path / "clickhouse.log") as server:
        await server.serves()
        settings = server.settings.model_copy(update={"answer_seconds": 2})
        await asyncio.to_thread(migrated, settings, tmp_path / "migrate.log")
        await ensure_topics(apache)
        await send(apache, records[:8_000])
        with archiver(apache, tmp_path / "archiver.log", clickhouse=settings) as process:
            await reaches(apache, 1_000)
            server.send(signal.SIGSTOP)
            await until(lambda: "store_unavailable" in process.said, "an answer is given up")
            server.send(signal.SIGCONT)
            await reaches(apache, 3_000)
            server.kill()
            lost_at, before = await committed(apache), memory_of(process)
            await send(apache, records[8_000:])
            await asyncio.sleep(6)
            grown = (memory_of(process) - before) / 2**20
            assert process.code is None
            assert await committed(apache) == lost_at
            assert grown < 50, f"{grown:.0f} MiB more while nothing could be stored"
            server.launch()
            await all_stored(apache)
            assert process.stop()[0] == 0
        assert_stored(settings, records)
    told(f"{len(records):,} events, {len(records) - lost_at:,} of them in the outage, {monotonic() - started:.1f} s")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with little room: for root, for who may `sudo`, and for anybody under `unshare -rm`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0777", "none", str(folder)]
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    try:
        done = subprocess.run([*sudo, *mount], capture_output=True, text=True, check=False, timeout=10)
    except OSError as error:
        pytest.skip(f"no file system of one's own without {error.filename}; `unshare -rm pytest` needs none")
    if done.returncode:
        pytest.skip(f"no file system of one's own: {done.stderr.strip()}; `unshare -rm pytest` may have one")
    yield folder
    subprocess.run([*sudo, "umount", "--lazy", str(folder)], check=True, timeout=10)


def fill(folder: Path) -> Path:
    """A file that takes nearly all the room that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - LEFT_BYTES)
    return ballast


async def test_a_full_disk_stops_nothing_for_good_and_loses_nothing(
    apache: KafkaSettings, small_disk: Path, tmp_path: Path, told: Callable[[str], None]
) -> None:
    records, started = fixed_input()[:RECORDS], monotonic()
    clickhouse = small_disk / "clickhouse"
    await asyncio.to_thread(migrated, clickhouse, tmp_path / "migrate.log")
    await ensure_topics(apache)
    await send(apache, records)
    with archiver(apache, tmp_path / "archiver.log", clickhouse=clickhouse) as process:
        await reaches(apache, 5_000)
        ballast = await asyncio.to_thread(fill, small_disk)
        await until(lambda: "NOT_ENOUGH_SPACE" in process.said, "it is full")
        full_at = await committed(apache)
        await asyncio.sleep(3)
        assert await committed(apache) == full_at
        await asyncio.to_thread(ballast.unlink)
        await all_stored(apache)
        assert process.stop()[0] == 0
        assert "Traceback" not in process.said
    assert_stored(clickhouse, records)
    told(f"full at {full_at:,} of {len(records):,} events, {monotonic() - started:.1f} s")
