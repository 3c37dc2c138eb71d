"""The decider holds what goes beyond a quota, tells people once, and concludes the same through crashes and replays."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from alert_facts import AT, TENANT, lift, loaded, signal
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_records import reopened, sent
from test_decide_lane import CUTS, after, decided, logged, values

from alerts.signal import Signal
from events.topics import COMMANDS, DECIDE_STATE, ENFORCEMENTS, INCIDENTS, LEDGER, SIGNALS
from policy.version import LoadedPolicy
from streams.decide import DecideLane
from streams.rebase import rebase

ROWS = [{"measure": "warn", "at_most": 8}, {"measure": "throttle", "at_most": 4, "window": "1h"}]
STRICT = loaded(quotas=ROWS)
"""Two warnings a day and one throttle an hour, in each of four lanes."""
HOUR = timedelta(hours=1)


def strict(policy: LoadedPolicy = STRICT, *, partitions: int = 4) -> DecideLane:
    return DecideLane(2, policy=policy, partitions=partitions)


def about(person: int, *, at: timedelta = timedelta(), **fields: Any) -> Signal:
    """A person's signal: the id is a function of person and time."""
    subject = f"k1.{chr(ord('a') + person) * 26}"
    tenant = fields.get("tenant", TENANT)
    known = {"subject": subject, "key": f"{tenant}|{subject}", "at": AT + at}
    return signal(person * 10_000 + round(at.total_seconds()), **(known | fields))


def reasons(*acts: Signal, lane: DecideLane | None = None) -> list[str]:
    """What each signal led to: the measure taken, or the reason why none was."""
    _, flush = after(*acts, lane=lane or strict())
    details = [one["detail"] for one in values(flush, LEDGER.name) if one["kind"] in ("decision", "held")]
    return [one.get("measure") or one["reason"] for one in details]


def test_what_goes_beyond_a_quota_is_held_until_the_window_has_moved_on() -> None:
    late = timedelta(hours=24)
    first, edge = [about(person) for person in range(3)], [about(4, at=late - timedelta(seconds=1)), about(5, at=late)]
    assert reasons(*first, *edge) == ["warn", "warn", "quota", "quota", "warn"]


def test_a_held_signal_takes_nothing_and_the_person_climbs_no_rung() -> None:
    acts = [about(0), about(1), about(2), about(2, at=timedelta(days=1))]
    assert reasons(*acts) == ["warn", "warn", "quota", "warn"]


def test_every_measure_has_a_quota_and_a_window_of_its_own() -> None:
    acts = [about(person, at=minutes * timedelta(minutes=1)) for minutes in (0, 10, 71) for person in (0, 1)]
    assert reasons(*acts) == ["warn", "warn", "throttle", "quota", "no_step", "throttle"]


def test_tenants_and_detectors_use_up_only_what_is_theirs() -> None:
    own = loaded(rules=[OWN], quotas=ROWS)
    full = [about(0), about(1), about(2)]
    elsewhere = [about(3, tenant="fabrikam"), about(4, detector="rule.own"), about(5, detector="rule.own")]
    assert reasons(*full, *elsewhere, about(6), lane=strict(own)) == [
        "warn", "warn", "quota", "warn", "warn", "warn", "quota",
    ]  # fmt: skip


OWN = {
    "name": "own", "title": "Own", "why": "A rule of a test, about nobody.", "type": "event_count", "on": "verdicts",
    "timespan": "1h", "condition": {"gte": 5}, "level": "block",
}  # fmt: skip


@pytest.mark.parametrize(("partitions", "share"), [(1, 8), (3, 3), (4, 2), (8, 1), (100, 1)])
def test_the_quota_is_shared_out_over_the_partitions_rounded_up(partitions: int, share: int) -> None:
    lane = DecideLane(0, policy=STRICT, partitions=partitions)
    lane.apply(SIGNALS.name, logged(about(person) for person in range(12)))
    kinds = Counter(one["kind"] for one in values(lane.drain(0.0), LEDGER.name))
    assert kinds["decision"] == share


def test_a_lifted_decision_gives_nothing_back() -> None:
    lane, flush = after(about(0), about(1), lane=strict())
    decision = values(flush, ENFORCEMENTS.name)[0]["measures"][0]["decision_id"]
    undone = lift(decision).model_copy(update={"subject": about(0).subject})
    lane.apply(COMMANDS.name, logged([undone]))
    assert [one["kind"] for one in values(lane.drain(0.0), LEDGER.name)] == ["lift"]
    assert reasons(about(2), lane=lane) == ["quota"]


def test_observe_mode_counts_what_it_would_have_done_and_tells_nobody() -> None:
    _, flush = after(*(about(person) for person in range(3)), lane=strict(loaded(mode="observe", quotas=ROWS)))
    found = [(one["detail"]["reason"], one["detail"]["would"], one["detail"]["also"])
             for one in values(flush, LEDGER.name)]  # fmt: skip
    assert found == [("mode_observe", "warn", [])] * 2 + [("mode_observe", None, ["quota"])]
    assert sent(flush, SIGNALS.name) == []
    switched = reopened(strict(), flush.state)
    assert isinstance(switched, DecideLane)
    assert reasons(about(3), lane=switched) == ["warn"]


def test_review_mode_takes_nothing_and_uses_up_nothing() -> None:
    assert reasons(*map(about, range(4)), lane=strict(loaded(mode="review", quotas=ROWS))) == ["mode_review"] * 4


def told(flush: Any) -> list[Signal]:
    return [Signal.model_validate_json(one.value or b"") for one in sent(flush, SIGNALS.name)]


def test_people_are_told_once_in_a_window_and_again_in_the_next() -> None:
    crowd = [about(person, at=person * HOUR) for person in range(6)]
    again = [about(person, at=(24 + person) * HOUR) for person in range(10, 16)]
    lane, flush = after(*crowd, lane=strict())
    assert [one.at for one in told(flush)] == [AT + 2 * HOUR]
    _, flush = after(*again, lane=lane)
    assert [one.at for one in told(flush)] == [AT + 36 * HOUR]


def test_what_people_are_told_goes_to_the_lane_of_the_detectors_series_and_becomes_one_incident() -> None:
    lane, flush = after(*map(about, range(4)), lane=strict())
    (page,) = sent(flush, SIGNALS.name)
    assert (page.key, page.partition) == (f"{TENANT}|repeat_offender".encode(), None)
    _, flush = after(*told(flush), *told(flush), lane=lane)
    (incident,) = values(flush, INCIDENTS.name)
    assert (incident["level"], incident["detector"], incident["revision"]) == ("page", "quota", 1)


def test_quotas_of_one_detector_share_an_incident_until_it_is_resolved() -> None:
    acts = [about(person, at=minutes * timedelta(minutes=1)) for minutes in (0, 10) for person in (0, 1, 2)]
    lane, flush = after(*acts, lane=strict())
    assert [one.statistic.name for one in told(flush)] == ["warn within 1d", "throttle within 1h"]
    _, flush = after(*told(flush), lane=lane)
    assert len({one["id"] for one in values(flush, INCIDENTS.name)}) == 1
    assert values(flush, INCIDENTS.name)[-1]["revision"] == 2


def test_a_quota_survives_a_restart_and_a_new_log() -> None:
    _, flush = after(about(0), about(1), about(2), lane=strict())
    moved = [one._replace(value=rebase(DECIDE_STATE.name, one.key or b"", one.value or b"")) for one in flush.state]
    for state in (flush.state, [one for one in moved if one.value is not None]):
        lane = reopened(strict(), state)
        assert isinstance(lane, DecideLane)
        lane, flush_after = after(about(3), lane=lane)
        assert [one["detail"]["reason"] for one in values(flush_after, LEDGER.name)] == ["quota"]
        assert told(flush_after) == []


def test_a_quotas_record_stays_small() -> None:
    lane, sizes = strict(), list[int]()
    for number in range(60):
        _, flush = after(about(number % 20, at=number * timedelta(days=100)), lane=lane)
        sizes += [len(one.value or b"") for one in flush.state if (one.key or b"").startswith(b"q|")]
    assert len(sizes) == 60
    assert max(sizes) < 300


def test_a_crash_between_a_quota_and_its_case_takes_nothing_twice() -> None:
    acts = [about(0), about(1), about(2)]
    _, flush = after(*acts, lane=strict())
    quotas = [one for one in flush.state if (one.key or b"").startswith(b"q|")]
    assert list(flush.state[: len(quotas)]) == quotas
    lane = reopened(strict(), quotas)
    lane.apply(SIGNALS.name, logged(acts))
    assert lane.drain(0.0).outputs == flush.outputs


def test_after_a_crash_a_signal_still_meets_what_counted_when_it_was_first_read() -> None:
    """The quota is written, the held person's case is not; meanwhile two others have pushed the older marks out."""
    lane, before = after(about(0), about(1, at=HOUR), lane=strict())
    later = [about(2, at=23 * HOUR), about(3, at=24 * HOUR), about(4, at=25 * HOUR)]
    lane.apply(SIGNALS.name, logged(later, 2))
    flush = lane.drain(0.0)
    again = reopened(strict(), (*before.state, *flush.state[:1]))
    again.apply(SIGNALS.name, logged(later, 2))
    assert again.drain(0.0).outputs == flush.outputs
    assert [one["kind"] for one in values(flush, LEDGER.name)] == ["held", "decision", "decision"]


PEOPLE: list[Signal] = [
    about(person, at=minutes * timedelta(minutes=1), tenant=tenant)
    for person in range(4)
    for minutes in (0, 5, 70, 1500)
    for tenant in (TENANT, "fabrikam")
]


@settings(max_examples=40, deadline=None)
@given(acts=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=25), cuts=CUTS, kept=CUTS)
def test_batches_crashes_and_replays_use_up_no_more(acts: list[Signal], cuts: list[int], kept: list[int]) -> None:
    log = logged(acts)
    once = decided(log, [], opened=strict)
    assert once == decided(log, cuts, opened=strict) == decided(log, cuts, kept=kept, opened=strict)


@settings(max_examples=40, deadline=None)
@given(acts=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=12), again=st.integers(0, 11))
def test_signals_that_repeat_use_up_nothing(acts: list[Signal], again: int) -> None:
    lane, repeated = strict(), strict()
    fresh = list({one.id: one for one in acts}.values())
    repeated.apply(SIGNALS.name, logged(fresh[:again] + fresh[:again] + fresh))
    lane.apply(SIGNALS.name, logged(fresh))
    assert repeated.drain(0.0).outputs == lane.drain(0.0).outputs


@settings(max_examples=40, deadline=None)
@given(acts=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=25))
def test_no_window_ever_holds_more_than_a_lanes_share(acts: list[Signal]) -> None:
    lane = strict()
    acts = sorted(acts, key=lambda one: one.at)
    lane.apply(SIGNALS.name, logged(acts))
    taken = [one["detail"] for one in values(lane.drain(0.0), LEDGER.name) if one["kind"] == "decision"]
    minutes = {one.id: (one.at - AT) / timedelta(minutes=1) for one in acts}
    for measure, most, window in (("warn", 2, 1440), ("throttle", 1, 60)):
        for tenant in (TENANT, "fabrikam"):
            at = [minutes[one["signal_id"]] for one in taken if (one["measure"], one["tenant"]) == (measure, tenant)]
            assert all(sum(end - window < one <= end for one in at) <= most for end in at)
