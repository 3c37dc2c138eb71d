"""Observe mode says what enforce mode does: the same signals, the same rungs."""

from datetime import timedelta

from alert_facts import AT, ENFORCE, loaded, new_case, signal
from hypothesis import given
from hypothesis import strategies as st

from alerts.case import Case, apply_signal
from policy.version import LoadedPolicy

SIGNALS = st.lists(
    st.tuples(
        st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=40)),
        st.sampled_from(["review", "restrict", "block"]),
        st.sampled_from(["hate", "self_harm"]),
    ),
    max_size=12,
)
OBSERVE = loaded(mode="observe")


def told(policy: LoadedPolicy, signals: list[tuple[timedelta, str, str]]) -> list[tuple[str, int, str | None]]:
    """What each signal led to: measure, step and end, or nothing."""
    case: Case = new_case()
    now, acts = AT, []
    for number, (gap, level, category) in enumerate(signals):
        now += gap
        one = signal(number, level=level, at=now, categories=(category,))
        outcome = apply_signal(case, one, policy=policy)
        case, detail = outcome.case, outcome.entries[0].detail
        if outcome.entries[0].kind == "decision":
            acts.append((detail["measure"], detail["step"], detail["until"]))
        elif detail["reason"] == "mode_observe" and detail["would"] and not detail["also"]:
            acts.append((detail["would"], detail["step"], detail["until"]))
    return acts


@given(signals=SIGNALS)
def test_observe_would_do_what_enforce_does(signals: list[tuple[timedelta, str, str]]):
    assert told(OBSERVE, signals) == told(ENFORCE, signals)
