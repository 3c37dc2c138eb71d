from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from alert_facts import (
    AT,
    ENFORCE,
    SERIES,
    SUBJECT,
    TENANT,
    acknowledge,
    claim,
    fault,
    lift,
    open_appeal,
    resolve,
    rule,
    series_signal,
    signal,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from stream_records import Raw, in_batches, reopened, sent

from alerts.command import Command
from alerts.decision import inverse_of
from alerts.hold import FilterHold
from alerts.signal import Signal
from broker.bulk import Outgoing
from events.topics import APPEALS, COMMANDS, ENFORCEMENTS, FILTER_HOLDS, INCIDENTS, LEDGER, SIGNALS
from streams.decide import DecideLane
from streams.lane import Flush, Source

OWNER = f"{TENANT}|{SUBJECT}".encode()


def new() -> DecideLane:
    return DecideLane(2, policy=ENFORCE, partitions=4)


def logged(acts: Iterable[Signal | Command], start: int = 0) -> list[Raw]:
    return [Raw(offset, 0, b"k", one.model_dump_json().encode()) for offset, one in enumerate(acts, start)]


def after(*acts: Signal | Command, lane: DecideLane | None = None) -> tuple[DecideLane, Flush]:
    """The lane and its flush after signals and commands, in this order."""
    lane = lane or new()
    for one in acts:
        topic = SIGNALS.name if isinstance(one, Signal) else COMMANDS.name
        lane.apply(topic, logged([one], lane.position.get(Source(topic, 2), 0)))
    return lane, lane.drain(0.0)


def values(flush: Flush, topic: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.value or b"") for one in sent(flush, topic)]


def offence(number: int) -> Signal:
    return signal(number, level="block", at=AT + timedelta(days=number))


DECISION = values(after(offence(0))[1], ENFORCEMENTS.name)[0]["measures"][0]["decision_id"]
INCIDENT = values(after(series_signal())[1], INCIDENTS.name)[0]["id"]
APPEAL = values(after(offence(0), open_appeal(DECISION))[1], APPEALS.name)[0]["id"]


def test_a_signal_about_a_subject_becomes_a_decision_and_an_enforcement() -> None:
    _, flush = after(offence(0))
    (enforcement,), (entry,) = sent(flush, ENFORCEMENTS.name), sent(flush, LEDGER.name)
    assert (enforcement.key, entry.key, enforcement.partition, enforcement.partition_key) == (OWNER, OWNER, None, None)
    assert values(flush, ENFORCEMENTS.name)[0]["measures"][0]["standing"] == "warned"
    (decision,) = values(flush, LEDGER.name)
    assert (decision["kind"], decision["about"]) == ("decision", DECISION)


def test_a_held_signal_goes_to_the_ledger_only() -> None:
    _, flush = after(signal(level="review"))
    assert [one.topic for one in flush.outputs] == [LEDGER.name]
    assert values(flush, LEDGER.name)[0]["detail"]["reason"] == "no_step"


def test_repeated_signals_and_commands_are_one_act() -> None:
    acts: list[Signal | Command] = [offence(0), open_appeal(DECISION), series_signal(), acknowledge(INCIDENT)]
    lane, first = after(*acts)
    _, again = after(*acts, *acts, lane=lane)
    assert first.outputs != ()
    assert again.outputs == ()


def test_an_appeal_is_keyed_by_itself_and_lies_with_its_subject() -> None:
    _, flush = after(offence(0), open_appeal(DECISION))
    (appeal,) = sent(flush, APPEALS.name)
    assert (appeal.key, appeal.partition_key) == (f"{TENANT}|{APPEAL}".encode(), OWNER)


def test_a_series_signal_becomes_an_incident_under_its_id() -> None:
    _, flush = after(series_signal())
    assert [one.key for one in sent(flush, INCIDENTS.name)] == [INCIDENT.encode()]
    assert [one.key for one in sent(flush, LEDGER.name)] == [SERIES.encode()]
    assert [one["kind"] for one in values(flush, LEDGER.name)] == ["incident_opened"]


def test_people_acknowledge_and_resolve_an_incident() -> None:
    _, flush = after(series_signal(), series_signal(2), acknowledge(INCIDENT), resolve(INCIDENT))
    revisions = [(one["state"], one["revision"]) for one in values(flush, INCIDENTS.name)]
    assert revisions == [("open", 1), ("open", 2), ("acknowledged", 3), ("resolved", 4)]


def test_an_overturned_appeal_lifts_exactly_its_decision() -> None:
    lane, _ = after(offence(0), offence(1))
    _, flush = after(open_appeal(DECISION), claim(APPEAL), rule(APPEAL), lane=lane)
    (enforcement,) = values(flush, ENFORCEMENTS.name)
    assert [one["standing"] for one in enforcement["measures"]] == ["throttled"]
    assert [one["state"] for one in values(flush, APPEALS.name)] == ["open", "claimed", "overturned"]
    entries = [(one["kind"], one["command_id"]) for one in values(flush, LEDGER.name)]
    assert entries[-2:] == [("appeal_decided", rule(APPEAL).id), ("lift", rule(APPEAL).id)]
    assert values(flush, LEDGER.name)[-1]["detail"]["id"] == inverse_of(DECISION)


def test_an_upheld_appeal_lifts_nothing() -> None:
    _, flush = after(offence(0), open_appeal(DECISION), claim(APPEAL), rule(APPEAL, "upheld"))
    assert len(sent(flush, ENFORCEMENTS.name)) == 1


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (claim("app_none"), "appeal_not_found"),
        (lift("dec_none"), "decision_not_found"),
        (open_appeal("dec_none"), "decision_not_found"),
        (resolve("inc_none"), "incident_not_found"),
    ],
)
def test_a_refused_command_is_in_the_ledger_under_its_id(refused: Command, code: str) -> None:
    lane, _ = after(offence(0), series_signal())
    _, flush = after(refused, lane=lane)
    (entry,) = values(flush, LEDGER.name)
    assert (entry["kind"], entry["command_id"], entry["detail"]["code"]) == ("refused", refused.id, code)
    assert len(flush.outputs) == 1


def test_a_command_about_an_unknown_series_leaves_nothing_behind() -> None:
    lane, flush = after(acknowledge("inc_none", tenant="fabrikam"))
    assert values(flush, LEDGER.name)[0]["kind"] == "refused"
    _, flush = after(series_signal(), lane=lane)
    assert [one["tenant"] for one in values(flush, INCIDENTS.name)] == [TENANT]


def test_a_refusal_is_not_repeated_when_the_log_is_read_again() -> None:
    lane, log = new(), logged([acknowledge("inc_none")])
    lane.apply(COMMANDS.name, log)
    lane.drain(0.0)
    lane.apply(COMMANDS.name, log)
    assert lane.drain(0.0).outputs == ()


def test_another_tenants_command_does_not_touch_an_incident() -> None:
    _, flush = after(series_signal(), acknowledge(INCIDENT, tenant="fabrikam"))
    assert [one["revision"] for one in values(flush, INCIDENTS.name)] == [1]
    assert values(flush, LEDGER.name)[-1]["detail"]["code"] == "incident_not_found"


@pytest.mark.parametrize("value", [b"", b"{", b"null", b'{"kind":"ban_everybody"}', b"\xff"])
def test_an_unreadable_command_is_counted_and_passed_over(value: bytes) -> None:
    labels = {"kind": "unknown", "outcome": "unreadable"}
    before = REGISTRY.get_sample_value("watchfloor_commands_total", labels) or 0.0
    lane = new()
    lane.apply(COMMANDS.name, [Raw(0, 0, b"k", value), Raw(1, 0, b"k", None), *logged([lift("dec_none")], 2)])
    flush = lane.drain(0.0)
    assert REGISTRY.get_sample_value("watchfloor_commands_total", labels) == before + 1
    assert len(flush.outputs) == 1
    assert flush.offsets == {Source(COMMANDS.name, 2): 3}


def test_a_flush_without_news_is_empty() -> None:
    lane, _ = after(offence(0))
    assert lane.drain(0.1).empty


def test_records_of_no_meaning_are_passed_over_on_restore() -> None:
    state = [Outgoing("decide-state", b"s|gone", None), Outgoing("decide-state", b"?|unknown", b"?")]
    lane = reopened(new(), state)
    assert isinstance(lane, DecideLane)
    assert after(offence(0), lane=lane)[1].outputs == after(offence(0))[1].outputs


SIGNALLED: list[Signal] = [
    one for number in range(6) for one in (offence(number), series_signal(number, at=AT + timedelta(hours=number)))
]


def decided(
    log: Sequence[Raw],
    cuts: Sequence[int],
    *,
    kept: Sequence[int] | None = None,
    opened: Callable[[], DecideLane] = new,
) -> dict[tuple[str, str], set[bytes | None]]:
    """What was sent, by topic and key; with `kept`, a crash after every batch lets a prefix of the state through."""
    lane, state, found = opened(), list[Outgoing](), dict[tuple[str, str], set[bytes | None]]()
    source = Source(SIGNALS.name, 2)
    for number, batch in enumerate([*in_batches(log, cuts), log]):
        start = lane.position.get(source, 0)
        lane.apply(source.topic, [one for one in log if start <= one.offset <= batch[-1].offset])
        flush = lane.drain(0.0)
        for one in flush.outputs:
            found.setdefault((one.topic, (one.key or b"").decode()), set()).add(one.value)
        if kept is not None:
            state.extend(flush.state[: kept[number % len(kept)] % (len(flush.state) + 1)] if kept else flush.state)
            lane = opened()
            reopened(lane, state)
    return found


CUTS = st.lists(st.integers(0, 1000), max_size=5)


@settings(max_examples=25, deadline=None)
@given(acts=st.lists(st.sampled_from(SIGNALLED), min_size=1, max_size=20), cuts=CUTS, kept=CUTS)
def test_batches_crashes_and_replays_change_nothing(acts: list[Signal], cuts: list[int], kept: list[int]) -> None:
    log = logged(acts)
    assert decided(log, []) == decided(log, cuts) == decided(log, cuts, kept=kept)


@settings(max_examples=25, deadline=None)
@given(acts=st.lists(st.sampled_from(SIGNALLED), min_size=1, max_size=20), again=st.integers(0, 19))
def test_reading_any_suffix_again_is_a_no_op(acts: list[Signal], again: int) -> None:
    lane, log = new(), logged(acts)
    lane.apply(SIGNALS.name, log)
    lane.drain(0.0)
    lane.apply(SIGNALS.name, log[again:])
    assert lane.drain(0.0).outputs == ()
    assert lane.position[Source(SIGNALS.name, 2)] == len(log)


def told(flush: Flush) -> list[FilterHold]:
    return [FilterHold.model_validate(one) for one in values(flush, FILTER_HOLDS.name)]


def with_hold(lane: DecideLane, hold: FilterHold) -> Flush:
    offset = lane.position.get(Source(FILTER_HOLDS.name, 2), 0)
    lane.apply(FILTER_HOLDS.name, [Raw(offset, 0, b"k", hold.model_dump_json().encode())])
    return lane.drain(0.0)


def test_a_filters_fault_opens_an_incident_and_tells_every_decider():
    _, flush = after(fault())
    assert [one["detector"] for one in values(flush, INCIDENTS.name)] == ["filter_fault"]
    assert [one.partition for one in sent(flush, FILTER_HOLDS.name)] == [0, 1, 2, 3]
    assert len({one.id for one in told(flush)}) == 1


def test_a_hold_undoes_and_then_prevents_measures_that_rest_on_the_filter():
    lane, _ = after(signal(1, filters=("azure@3",), at=AT - timedelta(minutes=5)))
    flush = with_hold(lane, told(after(fault())[1])[0])
    assert values(flush, ENFORCEMENTS.name)[0]["measures"] == []
    assert [one["kind"] for one in values(flush, LEDGER.name)] == ["lift"]
    _, flush = after(signal(2, filters=("azure@3",), at=AT + timedelta(minutes=5)), lane=lane)
    assert values(flush, LEDGER.name)[0]["detail"]["reason"] == "filter_fault"


def test_resolving_the_incident_ends_the_hold_everywhere():
    lane, flush = after(fault())
    with_hold(lane, told(flush)[0])
    incident = values(flush, INCIDENTS.name)[0]
    _, flush = after(resolve(incident["id"], series=incident["series"], at=AT + timedelta(hours=1)), lane=lane)
    assert [one.until for one in told(flush)] == [AT + timedelta(hours=1)] * 4


def test_a_hold_survives_a_restart():
    lane, flush = after(fault())
    hold = told(flush)[0]
    stored = with_hold(lane, hold)
    again = reopened(new(), stored.state)
    _, flush = after(signal(2, filters=("azure@3",), at=AT + timedelta(minutes=5)), lane=again)
    assert values(flush, LEDGER.name)[0]["detail"]["reason"] == "filter_fault"
