"""The documents keep up with the code: commands, metrics, settings, detectors and routes are all described."""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from api_world import World
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from broker.connection import KafkaSettings
from events.topics import TOPICS, Topic
from policy.policy import Policy
from sql.follow import ArchiverSettings
from sql.settings import StoreSettings
from streams.settings import WorkerSettings
from watchfloor.__main__ import create_cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGES = ("events", "policy", "alerts", "broker", "streams", "sql", "api", "traffic", "watchfloor")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TEXTS = {path: path.read_text("utf-8") for path in PAGES}
EVERYTHING = "\n".join(TEXTS.values())
SETTINGS = (WorkerSettings, ArchiverSettings, KafkaSettings, StoreSettings)
INSTRUMENTS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}
CELL = r"(?:[^|\\]|\\.)*"


def rows(text: str) -> list[str]:
    """The rows of every table, without heads and rules."""
    return [line for line in text.splitlines() if line.startswith("| `")]


def section(text: str, heading: str) -> str:
    """From a heading to the next of any level."""
    assert f"\n{heading}\n" in text, f"no heading {heading!r}"
    return text.partition(f"\n{heading}\n")[2].partition("\n#")[0]


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    for part, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from commands(f"{name} {part}", inner)
    if not hasattr(command, "commands"):
        yield name, command


def parameter_row(parameter: Any) -> str:
    argument = parameter.param_type_name == "argument"
    name = parameter.name.upper() if argument else parameter.opts[0]
    default = "" if parameter.default in (None, False) else f"`{parameter.default}`"
    meaning = parameter.help if not parameter.envvar else f"{parameter.help[:-1]}; or `{parameter.envvar}`."
    return f"| `{name}` | {'required' if parameter.required else default} | {meaning} |"


COMMANDS = dict(commands("watchfloor", typer.main.get_command(create_cli())))
CLI = (DOCS / "cli.md").read_text("utf-8")
SHARED = rows(section(CLI, "## Commands that ask a running API"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_its_options(name: str) -> None:
    """Options of several commands may stand in the table that they share."""
    expected = [parameter_row(parameter) for parameter in COMMANDS[name].params]
    page = section(CLI, f"### `{name}`")
    shown = rows(page)
    assert COMMANDS[name].help in page
    assert shown == [row for row in expected if row in shown or row not in SHARED]
    assert set(shown) <= set(expected)


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert re.findall(r"^### `(.+)`$", CLI, re.MULTILINE) == list(COMMANDS)


def metric_row(call: ast.Call) -> str:
    kind = INSTRUMENTS[ast.unparse(call.func)]
    name, meaning, *rest = (ast.literal_eval(argument) for argument in call.args)
    labels = ", ".join(f"`{label}`" for label in (rest[0] if rest else ()))
    return f"| `{name}{'_total' if kind == 'counter' else ''}` | {kind} | {labels} | {meaning.rstrip('.')} |"


def metric_rows() -> Iterator[str]:
    for path in (one for package in PACKAGES for one in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in INSTRUMENTS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and str(first.value).startswith("watchfloor_"):
                    yield metric_row(node)


def test_every_metric_is_documented_and_no_other() -> None:
    assert sorted(rows((DOCS / "metrics.md").read_text("utf-8"))) == sorted(metric_rows())


def setting_rows(settings: type[BaseSettings]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        empty = field.default in (None, "", PydanticUndefined)
        default = "" if empty else f"`{str(field.default).lower() if field.default is False else field.default}`"
        yield f"| `{settings.model_config['env_prefix']}{name.upper()}` | {default} | {field.description} |"


def test_every_setting_is_documented_and_no_other() -> None:
    expected = [row for settings in SETTINGS for row in setting_rows(settings)]
    assert sorted(rows((DOCS / "settings.md").read_text("utf-8"))) == sorted(expected)


def test_settings_of_the_api_are_documented_with_it() -> None:
    page = section((DOCS / "api.md").read_text("utf-8"), "## Settings")
    assert [name for name in ApiSettings.model_fields if f"`WATCHFLOOR_API_{name.upper()}`" not in page] == []


def test_no_environment_variable_is_named_that_nobody_reads() -> None:
    known = {
        f"{settings.model_config['env_prefix']}{name.upper()}"
        for settings in (*SETTINGS, ApiSettings)
        for name in settings.model_fields
    }
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    known |= {parameter.envvar for command in COMMANDS.values() for parameter in command.params if parameter.envvar}
    named = {name.rstrip("_") for name in re.findall(r"`(WATCHFLOOR_[A-Z_]+)`", EVERYTHING)}
    assert [name for name in sorted(named - known) if f"${{{name}" not in compose] == []


def test_every_detector_is_documented_with_its_settings() -> None:
    page = (DOCS / "detectors.md").read_text("utf-8")
    for name, field in Policy.model_fields["detectors"].annotation.model_fields.items():  # type: ignore[union-attr]
        described = section(page, f"## {name.replace('_', ' ').capitalize()}")
        assert [one for one in field.annotation.model_fields if f"`{one}`" not in described] == [], name


def test_every_route_is_documented() -> None:
    page = (DOCS / "api.md").read_text("utf-8")
    routes = [(method.upper(), path) for path, item in World().app.openapi()["paths"].items() for method in item]
    assert [route for route in routes if "| `{} {}` |".format(*route) not in page] == []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_in_the_architecture(topic: Topic) -> None:
    page = section((DOCS / "architecture.md").read_text("utf-8"), "## Topics")
    row = re.search(rf"^\| `{topic.name}` \|{CELL}\|{CELL}\|{CELL}\| (yes|no) \|$", page, re.MULTILINE)
    assert row is not None
    assert row[1] == ("yes" if topic.compacted else "no")


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        place, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_in_the_documents_compiles(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", TEXTS[page], re.MULTILINE | re.DOTALL):
        compile(textwrap.dedent(block), str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_tests_that_are_named_exist() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", EVERYTHING))
    assert [name for name in sorted(named) if f"def {name}(" not in code] == []


def test_files_that_are_named_exist() -> None:
    pattern = rf"`((?:{'|'.join(PACKAGES)})/[\w./-]+\.\w+)`"
    assert [name for name in re.findall(pattern, EVERYTHING) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_page_is_reached_from_the_readme(page: Path) -> None:
    assert f"(docs/{page.name})" in TEXTS[ROOT / "README.md"]


@pytest.mark.parametrize("record", sorted(DOCS.glob("adr/0*.md")), ids=lambda path: path.name)
def test_every_decision_record_is_in_the_index(record: Path) -> None:
    assert f"]({record.name})" in TEXTS[DOCS / "adr" / "README.md"]
