"""Secrets are read from files that others cannot read, and are long enough."""

from pathlib import Path

import pytest

from alerts.errors import SecretRefused
from alerts.notify.secret import read_secret


def written(path: Path, content: str, *, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_secret_is_read_without_its_line_end(tmp_path: Path, mode: int):
    assert read_secret(written(tmp_path / "secret", "x" * 32 + "\n", mode=mode)) == b"x" * 32


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [("x" * 31 + "\n", 0o600, "short"), ("x" * 32, 0o644, "world_readable"), ("x" * 32, 0o602, "world_readable")],
)
def test_short_or_open_secrets_are_refused(tmp_path: Path, content: str, mode: int, reason: str):
    with pytest.raises(SecretRefused) as caught:
        read_secret(written(tmp_path / "secret", content, mode=mode))
    assert caught.value.reason == reason
    assert "xx" not in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(SecretRefused) as caught:
        read_secret(tmp_path / "nothing")
    assert caught.value.reason == "missing"
