"""Every named query says what it answers, has a default for every parameter, and is in the documentation."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sql import query
from sql.isolation import COMMON_TABLES, TENANT_TABLES, VIEWS
from sql.query import named_queries
from sql.settings import StoreSettings

DOCUMENT = Path(query.__file__).parents[1] / "docs" / "sql.md"


@pytest.mark.parametrize("name", sorted(named_queries()))
def test_a_query_opens_with_question_tables_and_cost(name: str) -> None:
    found = named_queries()[name]
    assert found.question.endswith(("?", "."))
    assert found.tables
    assert found.cost


@pytest.mark.parametrize("name", sorted(named_queries()))
def test_every_parameter_has_a_default_and_no_other_has_one(name: str) -> None:
    found = named_queries()[name]
    assert set(found.parameters) == set(found.defaults)
    assert {"from", "to", "tenant"} <= set(found.parameters)


def test_the_documentation_lists_exactly_these_queries() -> None:
    section = DOCUMENT.read_text("utf-8").partition("## Named queries")[2].partition("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))
    assert listed == {name: found.question for name, found in named_queries().items()}


def test_the_documentation_names_every_table_and_setting() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert [name for name in (*TENANT_TABLES, *VIEWS, *COMMON_TABLES) if f"`{name}`" not in text] == []
    assert [name for name in StoreSettings.model_fields if f"| `{name.upper()}` |" not in text] == []


def test_a_time_is_sent_in_utc() -> None:
    at = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert query._text("q", "from", at) == "2026-01-01 00:00:00"
    assert query._text("q", "from", datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 00:00:00"
