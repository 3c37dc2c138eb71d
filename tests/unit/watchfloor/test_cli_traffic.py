import json
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from traffic.truth import read_truth
from watchfloor.__main__ import create_cli

runner = CliRunner()
SMALL = ("simulate", "--users", "60", "--hours", "1", "--seed", "3", "--start", "2026-11-02T08:00:00")


def test_simulate_writes_items_truth_and_counts(tmp_path: Path) -> None:
    truth, counts = tmp_path / "truth.json", tmp_path / "counts.ndjson"
    result = runner.invoke(create_cli(), [*SMALL, "--truth", str(truth), "--counts", str(counts)])
    items = [json.loads(line) for line in result.stdout.splitlines()]
    planted = read_truth(truth.read_bytes())
    assert result.exit_code == 0
    assert len(items) == planted.requests > 0
    assert planted.start == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert sum(json.loads(line)["count"] for line in counts.read_text().splitlines()) == sum(
        one.count for one in planted.verdicts
    )


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second = (runner.invoke(create_cli(), SMALL).stdout for _ in range(2))
    assert first == second


def test_an_impossible_scenario_is_told_in_one_line() -> None:
    result = runner.invoke(create_cli(), ["simulate", "--users", "1"])
    assert result.exit_code == 1
    assert "users" in result.stderr
    assert "Traceback" not in result.stderr


def test_live_traffic_of_the_past_is_released_at_once(tmp_path: Path) -> None:
    result = runner.invoke(create_cli(), [*SMALL, "--live"])
    assert result.exit_code == 0
    assert result.stdout == runner.invoke(create_cli(), SMALL).stdout
