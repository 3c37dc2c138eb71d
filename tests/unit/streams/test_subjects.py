"""Clean verdicts put to a subject together leave the state that they leave one by one."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from stream_records import START, blocked, verdict

from policy import load_policy
from streams.detectors.repeat_offender import RepeatOffender
from streams.subjects import Subjects

POLICY = load_policy("azure-default")
DETECTOR = RepeatOffender(POLICY.policy.detectors.repeat_offender, POLICY.policy.care, POLICY.version)
KEY = "contoso|k1." + "a" * 26


def subjects() -> Subjects:
    return Subjects(DETECTOR, prefix=b"s|")


ASKED = st.lists(st.tuples(st.integers(0, 6), st.integers(-900, 900)), min_size=1, max_size=30)


@given(ASKED, st.integers(0, 30), st.integers(0, 4))
def test_together_is_as_one_by_one(asked: list[tuple[int, int]], cut: int, violations: int) -> None:
    one_by_one, together = subjects(), subjects()
    for kept in (one_by_one, together):
        for number in range(violations):
            kept.apply(KEY, number, blocked(100 + number, at=START + timedelta(minutes=10 * number)))
    clean = [
        verdict(number, request_id=f"r{number}", at=START + timedelta(seconds=shift), event_id=f"e{place}")
        for place, (number, shift) in enumerate(asked)
    ]
    for offset, event in enumerate(clean, violations):
        one_by_one.apply(KEY, offset, event)
    requests = [(offset, one.request_id, one.at.timestamp()) for offset, one in enumerate(clean, violations)]
    together.requested(KEY, requests[:cut] or requests)
    together.requested(KEY, requests)
    assert list(together.changed()) == list(one_by_one.changed())


def test_a_repetition_changes_nothing() -> None:
    kept = subjects()
    kept.requested(KEY, [(5, "r1", START.timestamp())])
    before = list(kept.changed())
    kept.requested(KEY, [(4, "r0", START.timestamp()), (5, "r1", START.timestamp())])
    assert list(kept.changed()) == []
    kept.requested(KEY, [(5, "r1", START.timestamp()), (6, "r2", START.timestamp())])
    assert len(list(kept.changed())) == 1
    assert before
