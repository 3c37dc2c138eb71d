"""A limited reader's filters cover every table, and a tenant's name can carry no SQL."""

import re

import pytest

from sql.errors import QueryRefused
from sql.isolation import COMMON_TABLES, FEEDERS, TENANT_TABLES, VIEWS, tenant_limits
from sql.migration import migrations

CREATED = re.compile(r"CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS (\w+)")


def created(kind: str) -> set[str]:
    return {name for one in migrations() for found, name in CREATED.findall(one.up) if found == kind}


def test_every_table_and_view_of_the_migrations_is_classified() -> None:
    assert created("TABLE") == {*TENANT_TABLES, *COMMON_TABLES} - {"schema_migrations"}
    assert created("VIEW") == set(VIEWS)
    assert created("MATERIALIZED VIEW") == set(FEEDERS)


def test_a_reader_of_all_tenants_has_no_filter() -> None:
    assert tenant_limits("watchfloor", None) == {}


def test_a_limited_reader_has_a_filter_on_every_table() -> None:
    filters = tenant_limits("watchfloor", ["fabrikam", "contoso"])["additional_table_filters"]
    assert isinstance(filters, dict)
    assert filters["watchfloor.filter_verdicts"] == "tenant IN ('contoso', 'fabrikam')"
    assert filters["watchfloor.dead_letters"] == "0"
    assert len(filters) == len(TENANT_TABLES) + len(COMMON_TABLES) + len(FEEDERS)


def test_a_reader_of_no_tenant_sees_nothing() -> None:
    filters = tenant_limits("watchfloor", [])["additional_table_filters"]
    assert isinstance(filters, dict)
    assert set(filters.values()) == {"0"}


@pytest.mark.parametrize("tenant", ["", "a' OR 1", "A", "a\n", "*", "a" * 65, "-a"])
def test_a_name_that_is_no_tenants_is_refused(tenant: str) -> None:
    with pytest.raises(QueryRefused):
        tenant_limits("watchfloor", [tenant])
