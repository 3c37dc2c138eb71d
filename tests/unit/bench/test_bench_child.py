"""Measured processes are paused, told apart from failed ones, and never outlive their block."""

import os
from pathlib import Path

import pytest

from bench.child import Child, answer_of
from bench.errors import ChildFailed

WAITS = ["timeit", "-n", "1", "import time; time.sleep(60)"]


def state(pid: int) -> str:
    """The kernel's letter for what the process does; empty when there is none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except FileNotFoundError:
        return ""
    return status.partition("State:\t")[2][:1]


def becomes(pid: int, wanted: str) -> bool:
    return any((state(pid) in wanted) for _ in range(100_000))


async def test_a_child_pauses_goes_on_and_ends_with_its_block(tmp_path: Path) -> None:
    async with Child.running(WAITS, {}, tmp_path / "log") as child:
        child.pause()
        assert becomes(child.pid, "T")
        child.go_on()
        assert becomes(child.pid, "RS")
        child.check()
    assert state(child.pid) == ""


async def test_a_paused_child_ends_with_its_block_too(tmp_path: Path) -> None:
    async with Child.running(WAITS, {}, tmp_path / "log") as child:
        child.pause()
    assert state(child.pid) == ""
    with pytest.raises(ChildFailed):
        child.check()


async def test_a_bound_child_runs_on_its_core_only(tmp_path: Path) -> None:
    core = max(os.sched_getaffinity(0))
    async with Child.running(WAITS, {}, tmp_path / "log") as child:
        child.bind(core)
        assert os.sched_getaffinity(child.pid) == {core}


async def test_the_answer_is_what_was_printed(tmp_path: Path) -> None:
    assert b"Zen of Python" in await answer_of(["this"], {}, tmp_path / "log")


async def test_a_child_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="No module named no_such_module"):
        await answer_of(["no_such_module"], {}, tmp_path / "log")
