"""The peers' side: the reference, the protocol between a peer and its measurer, and the pinned requirements."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.__main__ import CONTENDERS, IDIOMATIC_FAUST
from bench.environment import REQUIREMENTS, python_of
from bench.errors import Unavailable
from bench.peer import Peer
from bench.peers.place import Place, Progress, events_done, triggers_in
from bench.peers.reading import Reading
from bench.peers.task import TRIGGER, Counts, minute_of, series_of, subject_of
from bench.reference import compared, triggers
from bench.workload import Workload

WORKLOAD = Workload(20_000, datetime(2026, 3, 1, 12, 30, 59, tzinfo=UTC))
PEERS = [one for one in CONTENDERS if isinstance(one, Peer)]
FILES = sorted(REQUIREMENTS.glob("*.txt"))
PINNED = re.compile(r"[a-z0-9][a-z0-9-]*==[0-9][\w.]*(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


@pytest.fixture(scope="module")
def verdicts() -> list[dict[str, str]]:
    return [msgspec.json.decode(event.value) for event in WORKLOAD.part(0, WORKLOAD.events)]


@pytest.fixture(scope="module")
def counts() -> Counts:
    counts = Counts()
    for event in WORKLOAD.part(0, WORKLOAD.events):
        counts.add(msgspec.json.decode(event.value, type=Reading))
    return counts


def test_every_verdict_is_counted_once_for_its_subject_and_once_for_its_series(counts: Counts) -> None:
    assert sum(evaluated for evaluated, _ in counts.subjects.values()) == WORKLOAD.events
    assert sum(evaluated for evaluated, _ in counts.series.values()) == WORKLOAD.events


def test_counts_per_subject_are_those_of_a_plain_tally(counts: Counts, verdicts: list[dict[str, str]]) -> None:
    evaluated = Counter(subject_of(one) for one in verdicts)
    blocked = Counter(subject_of(one) for one in verdicts if one["state"] == "blocked")
    assert counts.subjects == {subject: [evaluated[subject], blocked[subject]] for subject in evaluated}


def test_counts_per_series_and_minute_are_those_of_a_plain_tally(
    counts: Counts, verdicts: list[dict[str, str]]
) -> None:
    evaluated = Counter((series_of(one), minute_of(one["at"])) for one in verdicts)
    flagged = Counter((series_of(one), minute_of(one["at"])) for one in verdicts if one["state"] != "clean")
    found = {("|".join(key[:-1]), key[-1]): tuple(both) for key, both in counts.series.items()}
    assert found == {key: (evaluated[key], flagged[key]) for key in evaluated}
    assert {minute for _, minute in found} == {"2026-03-01T12:30", "2026-03-01T12:31"}


def test_a_subject_is_reported_when_it_reaches_the_limit_and_never_again(counts: Counts) -> None:
    reached = {subject for subject, (_, blocked) in counts.subjects.items() if blocked >= TRIGGER}
    assert reached
    assert len(counts.triggers) == len(reached)
    assert triggers(WORKLOAD) == set(counts.triggers) == reached


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (["a", "b"], "2 triggers right"),
        (["b", "a"], "2 triggers right"),
        (["a"], "wrong: of 2 triggers 1 missing, 0 extra, 0 twice"),
        (["a", "b", "c"], "wrong: of 2 triggers 0 missing, 1 extra, 0 twice"),
        (["a", "b", "a"], "wrong: of 2 triggers 0 missing, 0 extra, 1 twice"),
        ([], "wrong: of 2 triggers 2 missing, 0 extra, 0 twice"),
    ],
)
def test_triggers_are_right_when_they_are_the_same_subjects_each_once(found: list[str], words: str) -> None:
    assert compared(found, frozenset(("a", "b"))) == words


@given(st.lists(st.text("ab", max_size=2)), st.frozensets(st.text("ab", max_size=2)))
def test_only_the_same_subjects_are_right(found: list[str], expected: frozenset[str]) -> None:
    assert compared(found, expected).startswith("wrong") is (sorted(found) != sorted(expected))


def test_a_place_survives_the_command_line(tmp_path: Path) -> None:
    place = Place("grouped", "127.0.0.1:9092", "bench.filter-verdicts", "bench.quix", 4, tmp_path)
    assert Place.from_arguments(["bench.peers.quix", *place.arguments()]) == place


def test_a_peer_has_done_what_its_slowest_branch_has_done(tmp_path: Path) -> None:
    assert events_done(tmp_path) == 0
    progress = Progress(tmp_path, branches=2)
    assert events_done(tmp_path) == 0
    progress.add(5, branch=0)
    progress.add(branch=0)
    assert events_done(tmp_path) == 0
    progress.set(4, branch=1)
    assert events_done(tmp_path) == 4


def test_triggers_are_there_for_others_at_once_and_in_order(tmp_path: Path) -> None:
    assert triggers_in(tmp_path) == []
    progress = Progress(tmp_path, branches=1)
    progress.trigger(["acme|k1.b", "acme|k1.a"])
    progress.trigger([])
    progress.trigger(["globex|k1.c"])
    assert triggers_in(tmp_path) == ["acme|k1.b", "acme|k1.a", "globex|k1.c"]


async def test_a_peer_that_does_not_install_is_unavailable_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_text("no requirement at all\n", "utf-8")
    with pytest.raises(Unavailable, match=r"odd does not install: .*no requirement at all"):
        await python_of("odd", pinned=tmp_path, cache=tmp_path)


async def test_an_environment_that_is_ready_is_used_as_it_is_until_its_pins_change(tmp_path: Path) -> None:
    pins = tmp_path / "none.txt"
    pins.write_text("", "utf-8")
    python = await python_of("none", pinned=tmp_path, cache=tmp_path)
    python.unlink()
    assert await python_of("none", pinned=tmp_path, cache=tmp_path) == python
    assert not python.exists()
    pins.write_text("\n", "utf-8")
    assert await python_of("none", pinned=tmp_path, cache=tmp_path) != python


def test_every_peer_has_a_script_and_requirements_and_none_is_left_over() -> None:
    scripts = {one.script for one in PEERS}
    assert scripts == {path.stem for path in FILES}
    assert all((REQUIREMENTS.parent / f"{script}.py").is_file() for script in scripts)


def test_names_of_contenders_differ_and_the_baseline_is_one_of_them() -> None:
    names = [one.name for one in CONTENDERS]
    assert len(set(names)) == len(names)
    assert IDIOMATIC_FAUST in names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_requirements_are_pinned_with_hashes_and_name_no_index(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert [line for line in lines if not PINNED.fullmatch(line) and not HASH.fullmatch(line)] == []
    assert "://" not in path.read_text("utf-8")
