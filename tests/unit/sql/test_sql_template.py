"""Migration files become statements: markers are filled from a closed set, semicolons split outside quotes only."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.policy import Retention
from sql.errors import BadMigration
from sql.migration import migrations
from sql.retention import kept_tables
from sql.settings import StoreSettings
from sql.template import render, statements

LOCAL = StoreSettings()
CLUSTER = StoreSettings(cluster="prod", replicated=True)


def filled(text: str, settings: StoreSettings = LOCAL, retention: Retention | None = None) -> str:
    return render("x", text, settings=settings, retention=retention or Retention())


def test_engines_are_plain_without_replication() -> None:
    assert filled("ENGINE = {engine:ReplacingMergeTree(version)}") == "ENGINE = ReplacingMergeTree(version)"


def test_engines_are_replicated_when_the_settings_say_so() -> None:
    assert filled("{engine:AggregatingMergeTree}", CLUSTER) == "ReplicatedAggregatingMergeTree"


def test_the_cluster_is_named_only_when_there_is_one() -> None:
    assert filled("DROP TABLE a {on_cluster}", CLUSTER) == "DROP TABLE a ON CLUSTER `prod`"
    assert filled("DROP TABLE a {on_cluster}") == "DROP TABLE a "


def test_retention_comes_from_the_policy() -> None:
    assert filled("{ttl:raw}", retention=Retention(raw=timedelta(days=2))) == "toIntervalSecond(172800)"


@pytest.mark.parametrize("marker", ["{ttl:forever}", "{engine:Log}", "{engine:MergeTree(a; DROP)}", "{user}", "{}"])
def test_an_unknown_marker_is_refused(marker: str) -> None:
    with pytest.raises(BadMigration, match="unknown marker"):
        filled(marker)


def test_comments_and_quotes_hide_semicolons() -> None:
    text = "-- a; b\nSELECT ';', \"x;\", `y;` /* ; */; SELECT 'it\\'s;' ;\n;"
    assert statements(text) == ["SELECT ';', \"x;\", `y;`", "SELECT 'it\\'s;'"]


@given(st.lists(st.text(alphabet="ab1 ()=,\n", min_size=1).filter(str.strip), max_size=5))
def test_splitting_undoes_joining(parts: list[str]) -> None:
    assert statements(";\n".join(parts)) == [part.strip() for part in parts]


def test_migrations_are_numbered_without_gaps_and_have_both_ways() -> None:
    assert [one.version for one in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(statements(one.up) and statements(one.down) for one in migrations())


@pytest.mark.parametrize("settings", [LOCAL, CLUSTER], ids=["local", "cluster"])
def test_every_migration_renders_without_leftovers(settings: StoreSettings) -> None:
    for one in migrations():
        assert "{" not in filled(one.up, settings) + filled(one.down, settings)


def test_every_statement_names_the_cluster_but_for_inserts_which_cannot() -> None:
    for one in migrations():
        for statement in (*statements(one.up), *statements(one.down)):
            assert ("{on_cluster}" in statement) != statement.startswith("INSERT")


def test_every_event_table_and_rollup_has_a_retention() -> None:
    fields = {table: field for table, (_, field) in kept_tables().items()}
    assert fields["filter_verdicts"] == "raw"
    assert fields["ledger"] == fields["signals"] == "ledger"
    assert {fields[f"verdicts_by_{unit}"] for unit in ("minute", "hour", "day")} == {"minutes", "hours", "days"}
    assert "state_records" not in fields
