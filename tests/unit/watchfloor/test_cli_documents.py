import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from api.tokens import hash_of
from events.pseudonym import load_keys
from watchfloor.__main__ import create_cli

runner = CliRunner()


def run(*arguments: str) -> tuple[int, str, str]:
    result = runner.invoke(create_cli(), list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_every_command_has_help() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(name in out for name in ("dev", "worker", "archiver", "api", "migrate", "restore", "simulate", "send"))
    assert "demo-traffic" not in out


def test_a_valid_policy_is_named_with_its_version() -> None:
    code, out, _ = run("policy", "check", "azure-default")
    assert code == 0
    assert out.startswith("azure-default: valid, pol_")


def test_a_bad_policy_is_told_by_line_and_field_without_a_trace(tmp_path: Path) -> None:
    document = tmp_path / "policy.yaml"
    document.write_text("name: x\nauthor: y\nmoed: enforce\n", "utf-8")
    code, _, err = run("policy", "check", str(document))
    assert code == 1
    assert f"{document}:3:1" in err
    assert "mode" in err
    assert "Traceback" not in err


def test_policy_show_reads_back_to_the_same_version(tmp_path: Path) -> None:
    shown = tmp_path / "shown.yaml"
    shown.write_text(run("policy", "show", "demo")[1], "utf-8")
    (first, second) = (run("policy", "check", name)[1].split()[-1] for name in ("demo", str(shown)))
    assert first == second


def test_policy_diff_names_what_changes() -> None:
    code, out, _ = run("policy", "diff", "azure-default", "demo")
    assert code == 0
    assert 'mode: "observe" -> "enforce"' in out


def test_schemas_are_printed_all_or_one() -> None:
    everything = json.loads(run("schema")[1])
    assert {"FilterVerdict", "RequestLog", "Envelope", "policy"} <= set(everything)
    assert json.loads(run("schema", "FilterVerdict")[1]) == everything["FilterVerdict"]


def test_an_unknown_schema_lists_the_known_ones() -> None:
    code, _, err = run("schema", "Verdict")
    assert code == 1
    assert "FilterVerdict" in err


def test_a_token_is_shown_once_and_kept_as_a_hash() -> None:
    code, out, err = run("token", "ops", "--scope", "analyst", "--scope", "reviewer", "--tenant", "contoso")
    (entry,) = yaml.safe_load(out)
    assert code == 0
    assert entry == {
        "name": "ops", "sha256": hash_of(err.strip()), "scopes": ["analyst", "reviewer"], "tenants": ["contoso"],
    }  # fmt: skip


def test_a_rotated_key_comes_first_and_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for _ in range(2):
        assert run("key", str(path))[0] == 0
    assert list(load_keys(path)) == ["k2", "k1"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "arguments", [("query",), ("explain", "dec_1"), ("books",), ("dead-letters", "list"), ("send", "x.ndjson")]
)
def test_commands_that_need_an_api_say_so(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, _, err = run(*arguments, "--data", str(tmp_path))
    assert code == 1
    assert "nothing is running" in err
