"""Every named query gives the numbers that can be counted by hand on a small set of events."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sql_facts import ALICE, BOB, NOON, feedback, fresh_store, new_archiver, raw, records, request, verdict, verdicts

from alerts.incident import Incident
from alerts.ledger import LedgerEntry
from alerts.signal import Signal, Statistic
from sql.batch import Batch
from sql.errors import BadParameter, UnknownQuery
from sql.query import named_queries, run_query
from sql.store import Store

pytestmark = pytest.mark.embedded
HOUR, DAY = timedelta(hours=1), NOON.replace(hour=0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    for store in fresh_store(tmp_path_factory.mktemp("clickhouse")):
        fill(store)
        yield store


def fill(store: Store) -> None:
    archiver = new_archiver(store)
    requests = [
        request("a1:log", deployment="eu", language="en", release="r1", latency_ms=10.0),
        request("a2:log", deployment="eu", language="en", release="r2", outcome="blocked", latency_ms=20.0),
        request("b1:log", NOON + HOUR, subject=BOB, deployment="us", language="de", release="r2", latency_ms=30.0),
        request("b2:log", NOON + HOUR, subject=BOB, model="o3", language="de", release="r2", outcome="failed"),
        request("f1:log", tenant="fabrikam", outcome="blocked"),
    ]
    found = [
        verdict("a1:prompt:hate", state="detected", severity=1),
        verdict("a1:prompt:violence", category="violence", provider_category="violence"),
        verdict("a2:prompt:hate", state="blocked", severity=3),
        verdict("a2:prompt:violence", category="violence", provider_category="violence", state="blocked", severity=2),
        verdict("b1:prompt:hate", NOON + HOUR, subject=BOB, state="blocked", severity=2),
        verdict("b2:prompt:pii", NOON + HOUR, subject=BOB, category="pii", provider_category="pii", state="masked"),
        verdict("b2:prompt:hate", NOON + HOUR, subject=BOB, state="not_evaluated"),
        verdict("f1:prompt:hate", tenant="fabrikam", state="blocked", severity=3),
    ]
    reactions = [
        feedback("a1:f", release="r1", thumb="up", rating=5),
        feedback("a2:f", release="r2", thumb="down", rating=1, reasons=("harmful", "other")),
        feedback("b1:f", release="r2", thumb="up"),
    ]
    archiver.store_batch(Batch("request-logs", 0, records(requests)))
    archiver.store_batch(verdicts(found))
    archiver.store_batch(Batch("user-feedback", 0, records(reactions)))
    archiver.store_batch(Batch("signals", 0, [raw(one, n) for n, one in enumerate(signals())]))
    archiver.store_batch(Batch("ledger", 0, [raw(one, n) for n, one in enumerate(entries())]))
    archiver.store_batch(
        Batch("incidents", 0, [raw(one, n, key=f"inc_{n % 2}".encode()) for n, one in enumerate(incidents())])
    )


def signals() -> list[bytes]:
    def signal(number: int, subject: str, score: float, at: datetime) -> bytes:
        return Signal(
            id=f"sig_{number}", detector="repeat_offender", tenant="contoso", key=f"contoso|{subject}", subject=subject,
            level="review", at=at, statistic=Statistic(name="P", value=score, threshold=0.5), policy_version="p",
            words="w",
        ).model_dump_json().encode()  # fmt: skip

    return [signal(1, BOB, 0.5, NOON), signal(2, BOB, 0.75, NOON + timedelta(minutes=1))]


def entries() -> list[bytes]:
    kinds = [("decision", {"measure": "warn"}), ("decision", {"measure": "warn"}), ("held", {"reason": "quota"}),
             ("lift", {}), ("notification", {})]  # fmt: skip
    return [
        LedgerEntry.model_validate({
            "id": f"led_{number}", "kind": kind, "tenant": "contoso", "key": f"contoso|{ALICE}", "at": NOON,
            "actor": "watchfloor", "about": f"dec_{number}", "words": "w", "detail": detail,
        }).model_dump_json().encode()
        for number, (kind, detail) in enumerate(kinds)
    ]  # fmt: skip


def incidents() -> list[bytes]:
    def incident(number: int, state: str) -> bytes:
        return Incident.model_validate({
            "id": f"inc_{number}", "tenant": "contoso", "series": "s", "detector": "category_spike", "level": "page",
            "state": state, "title": "hate spikes", "signals": ["sig_9"], "opened_at": NOON, "updated_at": NOON,
            "revision": 1,
        }).model_dump_json().encode()  # fmt: skip

    return [incident(0, "open"), incident(1, "open"), incident(0, "resolved")]


def answer(store: Store, name: str, **params: str | int | datetime) -> list[tuple[object, ...]]:
    return run_query(store, name, {"tenant": "contoso"} | params).rows


def test_blocked_rate(store: Store) -> None:
    assert answer(store, "blocked_rate") == [(NOON, 2, 1, 0.5), (NOON + HOUR, 2, 0, 0.0)]


def test_blocked_by_category_over_time(store: Store) -> None:
    assert answer(store, "blocked_by_category_over_time") == [
        (NOON, "hate", 1, 2, 0.5),
        (NOON, "violence", 1, 2, 0.5),
        (NOON + HOUR, "hate", 1, 1, 1.0),
    ]


def test_severity_distribution_shows_what_was_annotated_and_let_through(store: Store) -> None:
    third = pytest.approx(1 / 3)
    assert answer(store, "severity_distribution") == [
        ("hate", "low", 0, 0, 1, 1, third),
        ("hate", "medium", 1, 0, 0, 1, third),
        ("hate", "high", 1, 0, 0, 1, third),
        ("pii", "unrated", 0, 1, 0, 1, 1.0),
        ("violence", "medium", 1, 0, 0, 1, 1.0),
    ]


def test_subject_rates_leave_out_who_was_acted_on_and_excused_categories(store: Store) -> None:
    assert answer(store, "subject_rates") == [("contoso", 2, 1, 1)], "alice was acted on; bob was blocked once in two"
    assert answer(store, "subject_rates", excused="hate,violence") == [("contoso", 2, 0, 1)]
    assert answer(store, "subject_rates", tenant="fabrikam") == [("fabrikam", 1, 1, 1)]


def test_top_subjects_have_score_trend_count_and_ratio_per_category(store: Store) -> None:
    bob, alice = answer(store, "top_subjects")
    assert bob == (
        "contoso", BOB, 0.75, 0.25, NOON + timedelta(minutes=1), 2, 1, 0.5, [("hate", 1, 0.5)],
    )  # fmt: skip
    assert alice == ("contoso", ALICE, None, None, None, 2, 1, 0.5, [("hate", 1, 0.5), ("violence", 1, 0.5)])
    assert len(answer(store, "top_subjects", limit=1)) == 1


def test_by_model(store: Store) -> None:
    rows = [row[:6] for row in answer(store, "by_model")]
    assert rows == [
        ("azure.openai", "gpt-4.1", 3, 1, pytest.approx(1 / 3), 0),
        ("azure.openai", "o3", 1, 0, 0.0, 1),
    ]


def test_by_deployment(store: Store) -> None:
    rows = answer(store, "by_deployment")
    assert [row[:6] for row in rows] == [("eu", 2, 1, 0.5, 0, 1), ("", 1, 0, 0.0, 1, 1), ("us", 1, 0, 0.0, 0, 1)]


def test_by_language(store: Store) -> None:
    assert [row[:4] for row in answer(store, "by_language")] == [("de", 2, 0, 0.0), ("en", 2, 1, 0.5)]


def test_by_release(store: Store) -> None:
    assert [row[:4] for row in answer(store, "by_release")] == [("r2", 3, 1, pytest.approx(1 / 3)), ("r1", 1, 0, 0.0)]


def test_by_hour(store: Store) -> None:
    assert answer(store, "by_hour") == [(12, 2, 1, 0.5), (13, 2, 0, 0.0)]


def test_feedback_by_release(store: Store) -> None:
    assert answer(store, "feedback_by_release") == [
        ("r2", 2, 1, 1, 0.5, 1.0, 0, 1, 0, 1),
        ("r1", 1, 1, 0, 1.0, 5.0, 0, 0, 0, 0),
    ]


def test_decisions_by_day(store: Store) -> None:
    assert answer(store, "decisions_by_day") == [
        (DAY, "decision", "warn", 2, 1),
        (DAY, "held", "quota", 1, 1),
        (DAY, "lift", "", 1, 1),
    ]


def test_incidents_open_shows_the_latest_state(store: Store) -> None:
    assert [row[:4] for row in answer(store, "incidents_open")] == [("inc_1", "contoso", "page", "open")]


def test_reconciliation_finds_no_difference_and_would(store: Store) -> None:
    assert answer(store, "reconciliation") == []
    wrong = (NOON - timedelta(days=9), "contoso", "hate", 3, datetime(2090, 1, 1, tzinfo=UTC))
    store.insert_rows("verdicts_by_hour", ("hour", "tenant", "category", "verdicts", "stored_at"), rows=[wrong])
    found = answer(store, "reconciliation", to=NOON - timedelta(days=8))
    store.command("ALTER TABLE verdicts_by_hour DELETE WHERE verdicts = 3 AND model = '' SETTINGS mutations_sync = 1")
    assert ("verdicts per hour", NOON - timedelta(days=9), "hate", 0, 3) in found


@pytest.mark.parametrize("name", sorted(named_queries()))
def test_every_query_runs_with_its_defaults_and_names_its_columns(store: Store, name: str) -> None:
    assert run_query(store, name).columns
    empty = run_query(store, name, {"tenant": "nobody"})
    assert empty.rows == []
    assert empty.columns == run_query(store, name).columns


@pytest.mark.parametrize("name", sorted(set(named_queries()) - {"reconciliation", "feedback_by_release"}))
def test_a_limited_reader_gets_only_its_tenants_rows(store: Store, name: str) -> None:
    both = run_query(store, name)
    assert run_query(store, name, tenants=["contoso", "fabrikam"]) == both
    assert run_query(store, name, tenants=["contoso"]).rows == answer(store, name)
    assert run_query(store, name, tenants=[]).rows == []
    assert run_query(store, name, {"tenant": "fabrikam"}, tenants=["contoso"]).rows == []


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"nope": 1}, "nope"),
        ({"from": "yesterday"}, "from"),
        ({"from": datetime(2026, 1, 1)}, "from"),  # noqa: DTZ001 (that is the point)
        ({"limit": "many"}, "limit"),
        ({"limit": -1}, "limit"),
    ],
)
def test_a_wrong_parameter_is_named(store: Store, params: dict[str, Any], parameter: str) -> None:
    with pytest.raises(BadParameter) as caught:
        run_query(store, "top_subjects", params)
    assert caught.value.parameter == parameter


def test_an_unknown_query_is_an_error(store: Store) -> None:
    with pytest.raises(UnknownQuery):
        run_query(store, "nope")


def test_a_parameter_cannot_carry_sql(store: Store) -> None:
    assert answer(store, "by_release", tenant="' OR 1 = 1 --") == []


def test_ledger_detail_is_json(store: Store) -> None:
    details = [json.loads(row[0]) for row in store.query("SELECT detail FROM ledger ORDER BY id").rows]
    assert details[0] == {"measure": "warn"}
