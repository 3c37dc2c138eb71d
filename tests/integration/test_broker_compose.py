"""A Compose client reads docker-compose.yml; no container is started."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
REQUIRED = re.findall(r"\$\{(\w+):\?", COMPOSE.read_text())


def client() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            answered = subprocess.run([*command, "version"], check=False, capture_output=True)
            if answered.returncode == 0:
                return command
    pytest.skip("no Compose client here")


def test_the_compose_client_accepts_the_file_and_misses_what_is_required() -> None:
    command = [*client(), "-f", str(COMPOSE), "config", "--quiet"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WATCHFLOOR", "KAFKA"))}
    complete = clean | dict.fromkeys(REQUIRED, "/x")
    assert subprocess.run(command, env=complete, check=False).returncode == 0
    for name in REQUIRED:
        without = {key: value for key, value in complete.items() if key != name}
        done = subprocess.run(command, env=without, check=False, capture_output=True)
        assert done.returncode, f"{name} is not required"
