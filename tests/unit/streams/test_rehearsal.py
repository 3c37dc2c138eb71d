"""A rehearsal concludes what the worker does, whatever the batches, and keeps no more than what it found."""

from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from in_memory_log import PARTITIONS, InMemoryLog
from stream_records import Raw, blocked, sent, verdict
from test_in_memory_log import EVENTS, OFFENDER, POLICY

from broker.bulk import Outgoing
from broker.partitioner import partition_of
from events import FilterVerdict
from events.topics import FILTER_VERDICTS, LEDGER, SHADOW_LEDGER, SIGNALS
from policy import LoadedPolicy
from policy.mode import Mode
from policy.quotas import QuotaPolicy
from streams.rehearsal import Rehearsal
from streams.shadow import ShadowDecideLane, silenced


def outgoing(event: FilterVerdict) -> Outgoing:
    key, value = f"{event.tenant}|{event.subject}", event.model_dump_json(exclude_none=True)
    stamp = int(event.at.timestamp() * 1000) + 1
    return Outgoing(FILTER_VERDICTS.name, key.encode(), value.encode(), timestamp_ms=stamp)


FED = [outgoing(event) for event in EVENTS]


def in_mode(mode: Mode) -> LoadedPolicy:
    return replace(POLICY, policy=POLICY.policy.model_copy(update={"mode": mode}))


def rehearsed(policy: LoadedPolicy = POLICY, events: list[Outgoing] = FED, *, cuts: int = 10**6) -> Rehearsal:
    rehearsal = Rehearsal(policy, partitions=PARTITIONS)
    for start in range(0, len(events), cuts):
        rehearsal.feed(events[start : start + cuts])
    return rehearsal


@pytest.fixture(scope="module")
def live() -> InMemoryLog:
    log = InMemoryLog(POLICY, EVENTS)
    log.finish()
    return log


def entries(log: InMemoryLog, kind: str) -> list[dict[str, Any]]:
    return [one["detail"] for one in log.values(LEDGER.name) if one["kind"] == kind]


def test_it_concludes_what_the_worker_does(live: InMemoryLog) -> None:
    found = rehearsed().found
    assert found.signals == Counter((one["detector"], one["level"]) for one in live.values(SIGNALS.name))
    assert [act.id for act in found.acts] == [one["id"] for one in entries(live, "decision")]
    assert found.held == Counter(one["reason"] for one in entries(live, "held"))
    assert found.incidents.keys() == {one["id"] for one in entries(live, "incident_opened")} != set()


@pytest.mark.parametrize("cuts", [13, 200])
def test_batches_do_not_change_who_is_restricted_or_which_series_page(cuts: int) -> None:
    whole, cut = rehearsed().found, rehearsed(cuts=cuts).found
    assert [act.id for act in cut.acts] == [act.id for act in whole.acts]
    assert {(one.series, one.detector) for one in cut.incidents.values()} == {
        (one.series, one.detector) for one in whole.incidents.values()
    }


def test_every_event_is_in_the_books() -> None:
    found = rehearsed(events=[*FED, *FED[-5:]]).found
    assert (found.events("read"), found.events("applied"), found.events("duplicate")) == (len(FED) + 5, len(FED), 5)
    assert len(found.subjects) == len({event.subject for event in EVENTS})


def test_who_would_have_been_restricted_counts_when_the_policy_only_observes() -> None:
    acted, observed = rehearsed(in_mode("enforce")).found, rehearsed(in_mode("observe")).found
    assert acted.gravest() == observed.gravest() != {}
    assert [one.would for one in observed.acts] == [True] * len(acted.acts)
    assert observed.held["mode_observe"] >= len(observed.acts)
    assert acted.restricted() == observed.restricted() == {(EVENTS[0].tenant, "k1." + "o" * 26)}


def test_the_gravest_measure_of_a_subject_counts() -> None:
    found = rehearsed().found
    assert [act.measure for act in found.acts] == ["warn", "throttle", "suspend"]
    assert set(found.gravest().values()) == {"suspend"}
    assert {act.detector for act in found.acts} == {"repeat_offender"}
    assert all(act.violations for act in found.acts)


def test_the_clock_is_event_time_and_an_idle_partition_holds_nobody_back() -> None:
    """Everything lies in one partition; the other one says that it is idle as time passes."""
    hits = [blocked(3600 + number, event_id=f"b{number}", category="violence") for number in range(80)]
    before = [verdict(60 * minute, event_id=f"c{minute}") for minute in range(60)]
    after = [verdict(3700 + 60 * minute, event_id=f"d{minute}") for minute in range(60)]
    events = [*before, *hits, *after]
    found = rehearsed(events=[outgoing(event) for event in events], cuts=20).found
    assert ("category_spike", "page") in found.signals or ("category_spike", "ticket") in found.signals


def limited(**quota: Any) -> LoadedPolicy:
    return replace(POLICY, policy=POLICY.policy.model_copy(update={"quotas": (QuotaPolicy(**quota),)}))


def test_what_goes_beyond_a_quota_is_held_and_one_page_tells_of_it() -> None:
    twins = [
        event.model_copy(update={"subject": f"k1.{one * 26}", "event_id": f"{one}{event.event_id}"})
        for one in "pqr"
        for event in EVENTS
        if event.subject == OFFENDER
    ]
    events = [outgoing(event) for event in sorted([*EVENTS, *twins], key=lambda event: event.at)]
    free, held = (
        Rehearsal(policy, partitions=1) for policy in (POLICY, limited(measure="throttle", at_most=2, window="1d"))
    )
    for rehearsal in (free, held):
        rehearsal.feed(events)
    taken = Counter(act.measure for act in held.found.acts)
    assert Counter(act.measure for act in free.found.acts)["throttle"] == 4
    assert (taken["warn"], taken["throttle"], len(held.found.restricted())) == (4, 2, 2)
    assert held.found.held["quota"] >= 2
    assert (held.found.signals["quota", "page"], free.found.signals["quota", "page"]) == (1, 0)
    (page,) = (one for one in held.found.incidents.values() if one.detector == "quota")
    assert (page.series, page.level, page.state) == ("contoso|repeat_offender", "page", "open")


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_a_shadow_enters_what_the_live_lane_does_under_its_own_name(live: InMemoryLog, partition: int) -> None:
    lane = ShadowDecideLane(partition, policy=silenced(POLICY), partitions=PARTITIONS, name="next")
    signals = [one for one in live.values(SIGNALS.name) if partition_of(one["key"].encode(), PARTITIONS) == partition]
    lane.apply(SIGNALS.name, [Raw(at, 0, b"k", msgspec.json.encode(one)) for at, one in enumerate(signals)])
    flush = lane.drain(0.0)
    entered = [msgspec.json.decode(one.value or b"") for one in sent(flush, SHADOW_LEDGER.name)]
    assert not sent(flush, LEDGER.name)
    assert {one.pop("shadow") for one in entered} <= {"next"}
    assert [one for one in live.values(LEDGER.name) if one in entered] == entered


def test_a_shadow_tells_nobody_and_keeps_its_version() -> None:
    quiet = silenced(POLICY)
    assert (quiet.policy.receivers, quiet.version) == ((), POLICY.version)
    assert POLICY.policy.receivers
