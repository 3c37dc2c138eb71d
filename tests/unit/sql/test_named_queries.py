"""Every named query says what it answers, has a default for every parameter, and is in the documentation."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sql import query
from sql.query import named_queries

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
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    listed = {name: question for name, question in rows if name in named_queries() or question.endswith("?")}
    assert listed == {name: found.question for name, found in named_queries().items()}


def test_a_time_is_sent_in_utc() -> None:
    at = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert query._text("q", "from", at) == "2026-01-01 00:00:00"
    assert query._text("q", "from", datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 00:00:00"
