"""The stream is a function of its scenario, in order of time, lazily made, and every item is read by the format."""

import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events import Event, FilterVerdict, RequestLog
from events.formats.azure_openai_chat import AzureOpenAIChat
from events.formats.format import EdgeContext
from events.pseudonym import Pseudonymiser
from traffic.arrivals import Arrivals
from traffic.errors import TruthError
from traffic.item import Item
from traffic.offenders import OFFENDERS
from traffic.outcomes import IS_BLOCKED, IS_REFUSED
from traffic.planted import DRIFTED, GROUNDED
from traffic.population import BENIGN
from traffic.requests import Traffic
from traffic.scenario import HOUR_MS, Scenario
from traffic.sessions import busyness
from traffic.simulate import simulate
from traffic.tally import minute_counts, truth_of
from traffic.truth import Truth, read_truth, write_truth

START = datetime(2026, 3, 2, tzinfo=UTC)
ROOT = Path(__file__).parents[3]
CONTEXT = EdgeContext(pseudonymiser=Pseudonymiser({"k1": bytes(range(32))}), now=START + timedelta(days=1000))
SMALL = Scenario(seed=7, start=START, users=60, hours=1)

scenarios = st.builds(
    Scenario,
    seed=st.integers(0, 2**63 - 1),
    start=st.integers(0, 700 * 24 * 3600).map(lambda seconds: START + timedelta(seconds=seconds)),
    users=st.integers(50, 80),
    hours=st.integers(1, 2),
    tenants=st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), min_size=1, max_size=3, unique=True).map(
        tuple
    ),
    offender_share=st.floats(0, 0.1),
)


def events_of(item: Item) -> tuple[Event, ...]:
    return AzureOpenAIChat().parse(json.loads(item.line), CONTEXT)


def verdicts_of(events: list[Event]) -> list[FilterVerdict]:
    return [event for event in events if isinstance(event, FilterVerdict)]


def fingerprint(scenario: Scenario) -> str:
    return sha256(b"\n".join(item.line for item in simulate(scenario))).hexdigest()


@pytest.fixture(scope="module")
def small() -> list[Item]:
    return list(simulate(SMALL))


@pytest.fixture(scope="module")
def read(small: list[Item]) -> list[Event]:
    return [event for item in small for event in events_of(item)]


@pytest.fixture(scope="module")
def day() -> Truth:
    return truth_of(Scenario(seed=7, start=START, users=4_000, offender_share=0.02))


def test_equal_scenarios_give_equal_bytes_and_other_seeds_others() -> None:
    assert fingerprint(SMALL) == fingerprint(SMALL)
    assert fingerprint(SMALL) != fingerprint(Scenario(seed=8, start=START, users=60, hours=1))


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = """
from datetime import UTC, datetime
from hashlib import sha256
from traffic.scenario import Scenario
from traffic.simulate import simulate

scenario = Scenario(seed=7, start=datetime(2026, 3, 2, tzinfo=UTC), users=60, hours=1)
print(sha256(b"\\n".join(item.line for item in simulate(scenario))).hexdigest())
"""
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.strip() == fingerprint(SMALL)


def test_items_come_in_order_of_time_with_unique_ids(small: list[Item]) -> None:
    times = [item.at for item in small]
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] < SMALL.end
    ids = [json.loads(item.line)["id"] for item in small]
    assert len(set(ids)) == len(ids) > 100


def test_lines_are_single_and_compact_and_say_the_item_s_own_time(small: list[Item]) -> None:
    for item in small[:200]:
        envelope = json.loads(item.line)
        assert b"\n" not in item.line
        assert len(item.line) < 4_000
        assert datetime.fromisoformat(envelope["at"]) == item.at


@settings(max_examples=15, deadline=None)
@given(scenarios)
def test_any_scenario_is_ordered_read_by_the_format_and_counted_by_its_truth(scenario: Scenario) -> None:
    items = list(islice(simulate(scenario), 60))
    assert [item.at for item in items] == sorted(item.at for item in items)
    for item in items:
        log, *verdicts = events_of(item)
        assert isinstance(log, RequestLog)
        assert scenario.start <= log.at < scenario.end
        assert log.tenant in scenario.tenants
        assert verdicts or log.outcome == "failed"
    truth = truth_of(scenario)
    assert truth.requests >= len(items)
    assert sum(one.count for one in minute_counts(scenario)) == sum(one.count for one in truth.verdicts)


def test_truth_counts_what_the_format_reads(small: list[Item], read: list[Event]) -> None:
    truth = truth_of(SMALL)
    counted = Counter((verdict.category.value, verdict.state.value) for verdict in verdicts_of(read))
    assert counted == {(one.category, one.state): one.count for one in truth.verdicts}
    assert truth.requests == len(small)
    assert truth.blocked == sum(isinstance(event, RequestLog) and event.outcome == "blocked" for event in read) > 0


def test_minute_counts_equal_what_the_format_reads_minute_by_minute(read: list[Event]) -> None:
    counted = Counter(
        (one.tenant, one.at.replace(second=0, microsecond=0), one.category.value, one.state.value)
        for one in verdicts_of(read)
    )
    counts = list(minute_counts(SMALL))
    assert {(one.tenant, one.minute, one.category, one.state): one.count for one in counts} == counted
    assert [one.minute for one in counts] == sorted(one.minute for one in counts)


def test_the_recorded_shape_changes_times_and_tokens_but_not_order_or_truth() -> None:
    trace = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    trace += [f"2026-01-01 00:{n // 60:02}:{n % 60:02}.{n % 3}00,{5000 + n},7" for n in range(300)]
    plain = Scenario(seed=7, start=START, users=60, hours=1)
    shaped = Scenario(seed=7, start=START, users=60, hours=1, arrivals=Arrivals.read(trace))
    items = list(simulate(shaped))
    assert [item.at for item in items] == sorted(item.at for item in items)
    assert truth_of(shaped).requests == len(items) == truth_of(plain).requests
    logs = [log for item in items[:100] if isinstance(log := events_of(item)[0], RequestLog)]
    assert {log.completion_tokens for log in logs} <= {7, None}


def test_memory_is_an_hour_of_numbers_not_a_run_of_items() -> None:
    scenario = Scenario(seed=7, start=START, users=3_000, hours=8)
    tracemalloc.start()
    size = sum(len(item.line) for item in islice(simulate(scenario), 6_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 6_000_000
    assert peak < 5_000_000


def test_offenders_are_blocked_at_their_rate(day: Truth) -> None:
    for offender in OFFENDERS:
        users = [user for user in day.planted if user.type == offender.kind]
        requests, blocked = sum(user.requests for user in users), sum(user.blocked for user in users)
        rate = offender.rate * (0.5 if offender.kind == "turned" else 1)
        deviation = (requests * rate * (1 - rate)) ** 0.5
        assert abs(blocked - requests * rate) < 5 * deviation + 0.1 * requests * rate, offender.kind


def test_offenders_send_their_volume(day: Truth) -> None:
    for offender in OFFENDERS:
        users = [user for user in day.planted if user.type == offender.kind]
        share = 1 if offender.active_hours is None else offender.active_hours / 24
        mean = np.mean([user.requests for user in users])
        assert mean == pytest.approx(offender.volume * share, rel=0.25), offender.kind


def test_a_turned_account_is_clean_before_it_turns() -> None:
    traffic = Traffic(Scenario(seed=7, start=START, users=300, offender_share=0.25))
    turned = [kind for kind, offender in enumerate(OFFENDERS) if offender.kind == "turned"]
    rows = np.concatenate(list(traffic.hours()))
    people = traffic.people[rows["user"]]
    ours = people["kind"] == turned[0]
    before = ours & (rows["at"] < people["offends_at"])
    blocked = IS_BLOCKED[rows["outcome"]]
    assert blocked[before].mean() < 0.02
    assert blocked[ours & ~before].mean() == pytest.approx(0.3, abs=0.05)


def test_benign_users_send_a_refused_prompt_again_once_and_most_offenders_vary_it() -> None:
    traffic = Traffic(Scenario(seed=7, start=START, users=3_000, offender_share=0.05))
    rows = np.concatenate(list(traffic.hours()))
    retries = rows[rows["retry"]]
    assert IS_REFUSED[retries["outcome"]].all()
    hashes, times = np.unique(rows["prompt_hash"], return_counts=True)
    assert times.max() == 2
    assert set(hashes[times == 2].tolist()) == set(retries["prompt_hash"].tolist())
    kind = traffic.people["kind"]
    refused = IS_REFUSED[rows["outcome"]] & ~rows["retry"]
    share = {
        bad: (kind[retries["user"]] != BENIGN).sum() / (refused & (kind[rows["user"]] != BENIGN)).sum()
        if bad
        else (kind[retries["user"]] == BENIGN).sum() / (refused & (kind[rows["user"]] == BENIGN)).sum()
        for bad in (True, False)
    }
    assert share[False] > 0.15 > share[True]


def test_the_day_has_a_busy_afternoon_and_a_mean_of_one() -> None:
    curve = [busyness(hour) for hour in range(24)]
    assert np.mean(curve) == pytest.approx(1, abs=0.001)
    assert max(curve) / min(curve) == pytest.approx(np.e, rel=0.02)
    assert int(np.argmax(curve)) in (13, 14)


def test_weekends_are_quieter() -> None:
    monday, saturday = (truth_of(Scenario(seed=7, start=START + timedelta(days=days), users=500)) for days in (0, 5))
    assert saturday.requests < 0.9 * monday.requests


def test_the_spike_multiplies_violence_that_is_seen_but_not_blocked() -> None:
    traffic = Traffic(Scenario(seed=7, start=START, users=8_000))
    found, seen = Counter[bool](), Counter[bool]()
    violent = np.array([_violent(shape.verdicts) for shape in traffic.shapes.table])
    for rows in traffic.hours():
        tenant = traffic.people["tenant"][rows["user"]]
        ours = rows[(tenant == 0) & (rows["deployment"] == traffic.spike.deployment)]
        inside = (ours["at"] >= traffic.spike.since) & (ours["at"] < traffic.spike.until)
        for where in (True, False):
            seen[where] += int((inside == where).sum())
            found[where] += int(violent[ours["shape"]][inside == where].sum())
    assert (found[True] / seen[True]) / (found[False] / seen[False]) == pytest.approx(traffic.spike.factor, rel=0.2)


def _violent(verdicts: tuple[Any, ...]) -> bool:
    return any((one.stage, one.category, one.state) == ("prompt", "violence", "detected") for one in verdicts)


def test_groundedness_falls_in_one_deployment_and_stays_low() -> None:
    traffic = Traffic(Scenario(seed=7, start=START, users=1_500))
    rows = np.concatenate(list(traffic.hours()))
    rows = rows[~np.isnan(rows["score"])]
    tenant = traffic.people["tenant"][rows["user"]]
    fallen = (tenant == 0) & (rows["at"] >= traffic.drift.since)
    assert rows["score"][fallen].mean() == pytest.approx(DRIFTED, abs=0.02)
    assert rows["score"][~fallen].mean() == pytest.approx(GROUNDED, abs=0.01)
    assert set(rows["deployment"].tolist()) == {traffic.drift.deployment}


def test_a_short_run_promises_little_and_a_day_promises_the_loud_kinds(day: Truth) -> None:
    hour = truth_of(Scenario(seed=7, start=START, users=60, hours=1))
    assert not any(one.loud for one in (*hour.planted, *hour.spikes, *hour.drifts))
    loud = {user.type for user in day.planted if user.loud}
    assert loud == {"persistent", "frequent", "turned", "diluted_bot", "burst"}
    assert day.spikes[0].loud
    assert day.drifts[0].loud


def test_truth_survives_its_document(day: Truth) -> None:
    assert read_truth(write_truth(day)) == day
    assert day.benign == day.users - len(day.planted)


@pytest.mark.parametrize("document", [b"", b"{}", b'{"seed":"x"}', b"[]"])
def test_another_document_is_refused(document: bytes) -> None:
    with pytest.raises(TruthError) as caught:
        read_truth(document)
    assert caught.value.reason


def test_truth_names_raw_users_that_occur_in_the_stream(small: list[Item]) -> None:
    users = {(item["tenant"], item["user"]) for item in (json.loads(one.line) for one in small)}
    busy = {(user.tenant, user.user) for user in truth_of(SMALL).planted if user.requests}
    assert busy <= users


def test_minute_counts_are_writable_as_json() -> None:
    first = next(iter(minute_counts(SMALL)))
    assert msgspec.json.decode(msgspec.json.encode(first), type=type(first)) == first


def test_sessions_that_pass_the_hour_are_carried_over() -> None:
    traffic = Traffic(Scenario(seed=7, start=START, users=500, hours=3))
    for hour, rows in enumerate(traffic.hours()):
        assert (rows["at"] // HOUR_MS == hour).all()
        assert np.array_equal(rows["at"], np.sort(rows["at"]))
        assert hour == 0 or (rows["session"] >> 32 < hour).any()
