"""A backtest from a file: the same events twice, what differs, and clear words about what cannot be read."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from broker.bulk import Outgoing
from policy import load_policy
from watchfloor.__main__ import create_cli
from watchfloor.backtest import Backtest, rows, words
from watchfloor.backtest_source import Stamped, merged

runner = CliRunner()
SMALL = ("simulate", "--users", "60", "--hours", "1", "--seed", "3", "--start", "2026-11-02T08:00:00")
STRICT = """
extends: demo
name: strict
author: test
detectors:
  repeat_offender: {review_at: 0.2, restrict_at: 0.3, block_at: 0.9}
"""
LAX = "extends: demo\nname: lax\nauthor: test\ndetectors:\n  repeat_offender: {enabled: false}\n"


def run(*arguments: str) -> tuple[int, str, str]:
    result = runner.invoke(create_cli(), list(arguments))
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    code, out, _ = run(*SMALL, "--truth", str(folder / "truth.json"))
    assert code == 0
    (folder / "events.ndjson").write_text(out, "utf-8")
    (folder / "strict.yaml").write_text(STRICT, "utf-8")
    (folder / "lax.yaml").write_text(LAX, "utf-8")
    assert run("key", str(folder / "keys.json"))[0] == 0
    return folder


def backtest(folder: Path, candidate: str, current: str, *more: str) -> tuple[int, str, str]:
    files = (str(folder / "events.ndjson"), "--keys", str(folder / "keys.json"), "--data", str(folder))
    return run("backtest", candidate, *files, "--against", current, *more)


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    lax, strict, truth = (str(folder / name) for name in ("lax.yaml", "strict.yaml", "truth.json"))
    code, out, err = backtest(folder, strict, lax, "--json", "--truth", truth)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_it_says_who_would_be_restricted_under_which_policy(document: dict[str, Any]) -> None:
    assert document["restricted"]["only_candidate"]
    assert not document["restricted"]["both"] + document["restricted"]["only_current"]
    assert document["candidate"]["restricted"] == len(document["restricted"]["only_candidate"])
    assert document["current"]["subjects_by_measure"] == {"warn": 0, "throttle": 0, "suspend": 0, "ban": 0}
    assert document["candidate"]["signals"]["repeat_offender"]
    per_thousand = 1000 * document["candidate"]["restricted"] / document["subjects"]
    assert document["candidate"]["restricted_per_1000"] == pytest.approx(per_thousand, abs=1e-3)


def test_every_event_of_the_file_is_accounted_for(document: dict[str, Any], folder: Path) -> None:
    events = document["events"]
    assert events["read"] == events["applied"] + events["late"] + events["duplicate"] + events["dead"]
    assert events["applied"] > len((folder / "events.ndjson").read_bytes().splitlines())


def test_with_the_truth_it_tells_precision_and_recall(document: dict[str, Any]) -> None:
    assert document["score"]["current"]["precision"] is None
    assert 0 <= document["score"]["candidate"]["precision"] <= 1


def test_the_same_policy_twice_differs_in_nothing(folder: Path) -> None:
    code, out, _ = backtest(folder, "demo", "demo", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["candidate"] == found["current"]
    assert not found["restricted"]["only_candidate"] + found["restricted"]["only_current"]


def test_the_table_names_both_policies_and_the_totals(folder: Path) -> None:
    code, out, err = backtest(folder, "demo", str(folder / "lax.yaml"), "--truth", str(folder / "truth.json"))
    assert code == 0
    assert all(
        text in out for text in ("candidate", "demo", "current", "lax", "restricted", "precision of restrictions")
    )
    assert "events/s" in err


def test_only_the_time_asked_for_is_rehearsed(folder: Path, document: dict[str, Any]) -> None:
    within = ("--from", "2026-11-02T08:10:00", "--to", "2026-11-02T08:20:00")
    code, out, _ = backtest(folder, "demo", "demo", "--json", *within)
    assert code == 0
    assert 0 < json.loads(out)["events"]["read"] < document["events"]["read"]
    code, out, err = backtest(folder, "demo", "demo", "--from", "2030-01-01T00:00:00")
    assert (code, out) == (1, "")
    assert "no events" in err


def test_canonical_events_are_read_as_they_are_ingested(tmp_path: Path) -> None:
    event = {
        "kind": "filter_verdict", "event_id": "r1:prompt:hate", "at": "2026-11-02T08:00:00Z", "tenant": "contoso",
        "subject": "k1." + "a" * 26, "request_id": "r1", "provider": "p", "model": "m", "filter": "f",
        "stage": "prompt", "category": "hate", "provider_category": "hate", "state": "clean",
    }  # fmt: skip
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(event) + "\n\n", "utf-8")
    code, out, _ = run("backtest", "demo", str(path), "--format", "canonical", "--json", "--data", str(tmp_path))
    assert code == 0
    assert json.loads(out)["events"]["applied"] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [("{", "this is not JSON"), ("[]", "not azure-openai-chat"), ('{"id": "a"}', "not azure-openai-chat")],
)
def test_a_line_that_cannot_be_used_is_named_without_what_it_holds(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(line, "utf-8")
    code, out, err = run("backtest", "demo", str(path), "--data", str(tmp_path))
    assert (code, out) == (1, "")
    assert f"{path}:1: {reason}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("arguments", [("nosuch.yaml", "x.ndjson"), ("demo", "x.ndjson"), ("demo", "clickhouse:")])
def test_what_is_missing_is_told_in_one_line(tmp_path: Path, arguments: tuple[str, str]) -> None:
    code, out, err = run("backtest", *arguments, "--data", str(tmp_path))
    assert (code, out, err.count("\n")) == (1, "", 1)


def test_long_lists_are_cut_in_words_and_whole_in_json() -> None:
    both = Backtest(load_policy("demo"), load_policy("demo"), partitions=2)
    assert next(iter(words(both, listed=1))).startswith("restricted: 0 under both")
    assert [what for what, *_ in rows(both)][-1] == "tickets"
    assert (both.speed, both.per_thousand(3)) == (0.0, 0.0)


def pages(stamps: list[int], name: str) -> AsyncIterator[list[Stamped]]:
    async def read() -> AsyncIterator[list[Stamped]]:
        for start in range(0, len(stamps), 3):
            chunk = stamps[start : start + 3]
            yield [(at, Outgoing(name, b"%d" % (start + place), b"")) for place, at in enumerate(chunk)]

    return read()


@given(st.lists(st.lists(st.integers(0, 50), max_size=20), max_size=4))
async def test_partitions_are_merged_by_time_and_none_changes_its_order(partitions: list[list[int]]) -> None:
    found = [
        one async for batch in merged([pages(stamps, str(at)) for at, stamps in enumerate(partitions)]) for one in batch
    ]
    assert len(found) == sum(map(len, partitions))
    for at, stamps in enumerate(partitions):
        own = [int(one.key or b"") for one in found if one.topic == str(at)]
        assert own == list(range(len(stamps)))
    highs = [max(partitions[int(one.topic)][: int(one.key or b"") + 1]) for one in found]
    assert highs == sorted(highs)
