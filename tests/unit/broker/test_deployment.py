"""docker-compose.yml and Dockerfile keep what docs/deployment.md promises; it needs no container engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.settings import ApiSettings
from broker.connection import KafkaSettings
from sql.follow import ArchiverSettings
from sql.settings import StoreSettings
from streams.settings import WorkerSettings

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "worker", "archiver", "api")
LASTING = [name for name in SERVICES if name != "migrate"]
REQUIRED = re.findall(r"\$\{(\w+):\?", TEXT)
KNOWN = {"WATCHFLOOR_KEYS"} | {
    f"{kind.model_config['env_prefix']}{field.upper()}"
    for kind in (ApiSettings, ArchiverSettings, KafkaSettings, StoreSettings, WorkerSettings)
    for field in kind.model_fields
}


def test_the_parts_are_the_five_and_the_migration() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", *OURS}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert "privileged" not in service
    assert "restart" in service


@pytest.mark.parametrize("name", LASTING)
def test_every_lasting_service_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["kafka", "clickhouse"])
def test_what_must_survive_lies_on_a_volume(name: str) -> None:
    volume = SERVICES[name]["volumes"][0].split(":")[0]
    assert volume in COMPOSE["volumes"]


def test_only_the_api_can_be_reached_and_only_from_this_host_by_default() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["${WATCHFLOOR_API_PUBLISH:-127.0.0.1:8443}:8080"]}
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert [name for name in SERVICES if "outside" in SERVICES[name]["networks"]] == ["worker", "api"]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_that_exists(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= KNOWN


def test_every_connection_setting_can_be_given() -> None:
    given = set(SERVICES["api"]["environment"])
    assert given >= {f"WATCHFLOOR_KAFKA_{field.upper()}" for field in KafkaSettings.model_fields if field != "embedded"}


def test_secrets_are_files_and_never_values() -> None:
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|KEYS$|SECRET", name) and value:
                assert value.startswith("/run/secrets/")


def test_what_has_no_sensible_default_is_asked_for_by_name() -> None:
    assert set(REQUIRED) == {
        "KAFKA_CLUSTER_ID",
        "WATCHFLOOR_API_TLS_CERTIFICATE",
        "WATCHFLOOR_API_TLS_KEY",
        "WATCHFLOOR_CONFIG_DIR",
        "WATCHFLOOR_SECRETS_DIR",
    }


def test_every_variable_of_the_file_is_documented() -> None:
    used = set(re.findall(r"\$\{(\w+)", TEXT)) | {name for name in SERVICES["api"]["environment"] if name in KNOWN}
    passed_through = {name for name in used if SERVICES["api"]["environment"].get(name, "x") is None}
    asked = set(re.findall(r"\$\{(\w+)", TEXT)) | passed_through
    assert not {name for name in asked if f"`{name}`" not in DEPLOYMENT}


def test_the_image_holds_pinned_packages_only_and_runs_as_nobody_special() -> None:
    assert "--require-hashes -r constraints/runtime.txt" in DOCKERFILE
    assert "USER 10001:10001" in DOCKERFILE
    assert DOCKERFILE.count("FROM python:3.11-slim") == 2


def test_the_image_contains_every_package() -> None:
    packages = re.search(r"packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text())
    assert packages
    for name in re.findall(r'"(\w+)"', packages[1]):
        assert f"COPY {name} {name}\n" in DOCKERFILE
        assert f"!{name}\n" in (ROOT / ".dockerignore").read_text()
