"""Accounts of one link: the mean of their evidence, whoever they are, and a ticket rather than a strike."""

from math import exp, log

import msgspec
import numpy as np
import pytest
from detector_traffic import START, run
from hypothesis import given
from hypothesis import strategies as st

from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.linked_accounts import LinkedAccounts, LinkState, mean_of
from streams.series import LinkEvidence

LINK = "contoso|payment:0123456789abcdef"
LINKED = LinkedAccounts(RepeatOffenderPolicy(linking=("payment",)), "p1")
BOUND = log(1e6)


def evidence(number: int, log_e: float = 0.0, *, link: str = LINK, minutes: float = 0.0) -> LinkEvidence:
    subject = "k1." + f"{number:026d}".translate(str.maketrans("0123456789", "abcdefghij"))
    return LinkEvidence(link, subject, START.timestamp() + 60 * minutes, log_e, 0, number)


def test_accounts_that_are_each_certain_raise_one_ticket() -> None:
    events = [evidence(1), evidence(2), evidence(1, 14.0), evidence(2, 14.1), evidence(2, 15.0)]
    state, signals = run(LINKED, events)
    assert [signal.level for signal in signals] == ["ticket"]
    signal = signals[0]
    assert (signal.subject, signal.tenant, signal.detector) == (None, "contoso", "linked_accounts")
    assert signal.key == "contoso|link|payment:0123456789abcdef"
    assert signal.statistic.name == "ln mean e of 2 accounts"
    assert signal.statistic.value == pytest.approx(np.log((exp(14.0) + exp(14.1)) / 2))
    assert state.told


def test_accounts_without_evidence_dilute_the_mean() -> None:
    strong = evidence(0, BOUND + 1.0)
    assert run(LINKED, [evidence(1), strong])[1]
    assert run(LINKED, [*[evidence(i) for i in range(1, 9)], strong])[1] == []


def test_one_account_alone_is_no_link() -> None:
    assert run(LINKED, [evidence(1, 19.0)])[1] == []
    assert run(LINKED, [evidence(1, 19.0), evidence(2)])[1]


def test_only_kinds_that_the_policy_names_count() -> None:
    other = "contoso|network:0123456789abcdef"
    events = [evidence(1, 19.0, link=other), evidence(2, 19.0, link=other)]
    assert run(LINKED, events) == (LinkState(), [])
    assert run(LinkedAccounts(RepeatOffenderPolicy(), "p1"), [evidence(1, 19.0), evidence(2, 19.0)])[1] == []


def test_a_ticket_is_raised_again_only_after_the_mean_has_fallen() -> None:
    high, falls, returns = [evidence(1, 16.0), evidence(2, 16.0)], evidence(1, 12.0), evidence(1, 16.0)
    assert len(run(LINKED, [*high, falls, evidence(2, 12.0), returns])[1]) == 1
    assert len(run(LINKED, [*high, evidence(1, 0.0), evidence(2, 1.0), evidence(1, 16.0, minutes=9)])[1]) == 2


def test_the_words_name_the_accounts_with_the_most_evidence_and_accuse_no_one_of_the_rest() -> None:
    events = [evidence(i, 16.0 + i / 10) for i in range(9)]
    words = run(LINKED, events)[1][0].words
    assert words.startswith("2 accounts share the payment 0123456789ab. ")
    assert "one of them at least, not against each" in words
    assert evidence(0).subject in words
    crowd = LINKED.step(LinkState({e.subject: e.log_e for e in events}), evidence(9, 20.0))[1][0].words
    assert crowd.count("k1.") == 5


def test_beyond_256_accounts_others_count_as_without_evidence() -> None:
    events = [evidence(i, 1.0 + i / 1000) for i in range(400)]
    state, _ = run(LINKED, events)
    assert (len(state.members), state.others) == (256, 144)
    assert min(state.members.values()) == pytest.approx(1.144)
    assert len(msgspec.msgpack.encode(state)) <= 11_000
    one_more, _ = LINKED.step(state, evidence(0, 0.5))
    assert (one_more.members, one_more.others) == (state.members, 145)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 19)), min_size=1, max_size=30))
def test_the_statistic_is_the_mean_of_the_latest_values(events: list[tuple[int, float]]) -> None:
    state, signals = run(LINKED, [evidence(who, log_e) for who, log_e in events])
    latest = dict(events)
    expected = log(sum(map(exp, latest.values())) / len(latest))
    assert mean_of(state.members.values(), state.others) == pytest.approx(expected, abs=1e-9)
    assert all(signal.statistic.value >= signal.statistic.threshold for signal in signals)


@given(st.lists(st.floats(0, 19), min_size=1, max_size=20), st.integers(0, 50))
def test_the_mean_is_never_above_the_strongest_account(log_es: list[float], others: int) -> None:
    assert mean_of(log_es, others) <= max(log_es) + 1e-9
    assert mean_of(log_es, others + 1) < mean_of(log_es, others)


def test_a_state_survives_storage_and_a_replay_gives_the_same_ids() -> None:
    events = [evidence(i % 7, float(i)) for i in range(19)]
    state, signals = LINKED.initial(LINK), []
    for event in events:
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=LinkState)
        state, found = LINKED.step(state, event)
        signals += found
    assert (state, signals) == run(LINKED, events)
