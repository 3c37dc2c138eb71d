"""The OpenAPI document is complete, its examples are true, and docs/api.md has every route."""

from pathlib import Path
from typing import Any

import pytest
from api_world import World
from pydantic import TypeAdapter

from alerts.appeal import Appeal
from alerts.incident import Incident
from api import examples
from api.alert_feed import Alert
from api.errors import ANSWERS
from api.ingest import IngestReport
from api.page import Page
from api.routes.commands import CommandOut
from api.routes.decisions import DecisionOut
from api.routes.enforcement import BatchIn, BatchOut
from api.routes.health import Readiness
from api.settings import ApiSettings
from api.standing import StandingOut
from api.tokens import Scope

DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
DOCUMENT: dict[str, Any] = World().app.openapi()
OPERATIONS = [
    (method.upper(), path, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]
each = pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda part: str(part)[:40])


@each
def test_every_route_is_described(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["tags"]
    assert all(parameter.get("description") for parameter in operation.get("parameters", ()))


@each
def test_every_answer_and_body_has_an_example(method: str, path: str, operation: dict[str, Any]) -> None:
    contents = [response.get("content", {}) for response in operation["responses"].values()]
    contents.append(operation.get("requestBody", {}).get("content", {}))
    for media in (media for content in contents for media in content.values()):
        assert "example" in media or "examples" in media
    assert any(int(status) < 300 for status in operation["responses"])


@each
def test_every_guarded_route_documents_its_refusals(method: str, path: str, operation: dict[str, Any]) -> None:
    if path in ("/healthz", "/readyz"):
        assert "security" not in operation
    elif path != "/metrics":
        assert {"401", "403", "422", "504"} <= set(operation["responses"])
        assert operation["security"] == [{"HTTPBearer": []}]


@each
def test_every_route_is_in_the_docs(method: str, path: str, operation: dict[str, Any]) -> None:
    assert f"{method} {path}" in DOCS


def test_the_docs_name_every_error_scope_and_setting() -> None:
    assert all(f"`{row.code}`" in DOCS for row in ANSWERS)
    assert all(f"`{scope}`" in DOCS for scope in Scope.__args__)
    assert all(f"WATCHFLOOR_API_{name.upper()}" in DOCS for name in ApiSettings.model_fields)


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        (StandingOut, examples.STANDING),
        (BatchIn, examples.BATCH_IN),
        (BatchOut, examples.BATCH),
        (IngestReport, examples.INGEST),
        (IngestReport, examples.ACCEPTED),
        (DecisionOut, examples.DECISION),
        (Appeal, examples.APPEAL),
        (Appeal, examples.DECIDED),
        (Incident, examples.INCIDENT),
        (Incident, examples.RESOLVED),
        (Page[Alert], examples.page(examples.ALERT)),
        (Readiness, {"ready": True, "checks": {}}),
    ],
)
def test_examples_are_what_the_api_would_say(kind: Any, example: Any) -> None:
    TypeAdapter(kind).validate_python(example)


def test_a_pending_command_has_an_example() -> None:
    assert examples.COMMAND["status"] in CommandOut.model_fields["status"].annotation.__args__  # type: ignore[union-attr]
