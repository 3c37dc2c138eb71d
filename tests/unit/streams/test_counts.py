"""What flagged verdicts are counted by, and the sums that are published beside the series."""

from dataclasses import asdict, dataclass
from types import SimpleNamespace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from events.keys import SeriesKey
from streams.counts import Counts
from streams.intake import Chunk
from streams.series import SeriesCount

LEVELS = (("provider", "provider_category", "stage"), ("provider", "provider_category"))
PROMPT, COMPLETION = "t|m1|p|hate|prompt", "t|m1|p|hate|completion"
OTHER = "t|m2|p|hate|prompt"
BY_STAGE, ALL = "t|*|p|hate|prompt", "t|*|p|hate|*"


@dataclass(frozen=True)
class Verdict:
    subject: str = "k1.a"
    state: str = "blocked"
    api_key: str | None = None
    prompt_hash: str | None = None
    language: str | None = "de"
    filter: str = "f"
    filter_version: str | None = "2"
    release: str | None = None


def published(counts: Counts) -> dict[str, SeriesCount]:
    found = {one.series: one for one in counts.published(0)}
    list(counts.changed())
    return found


def test_a_flagged_verdict_is_counted_by_what_is_known_of_it() -> None:
    counts = Counts()
    for offset in (3, 3, 2):
        counts.flag(PROMPT, 1, offset=offset, verdict=Verdict())
    counts.flag(PROMPT, 1, offset=4, verdict=Verdict("k1.b", state="detected", filter_version=None))
    counts.add(PROMPT, 1, offset=5, flagged=False, blocked=False)
    one = published(counts)[PROMPT]
    assert (one.evaluated, one.flagged, one.blocked) == (3, 2, 1)
    assert one.parts == {
        "subject": {"k1.a": 1, "k1.b": 1}, "language": {"de": 2}, "filter_version": {"f@2": 1, "f": 1},
    }  # fmt: skip


def test_what_was_flagged_is_told_once_and_again_when_more_comes() -> None:
    counts = Counts(LEVELS)
    counts.flag(PROMPT, 1, offset=1, verdict=Verdict())
    assert published(counts)[BY_STAGE].parts["series"] == {PROMPT: 1}
    counts.add(PROMPT, 1, offset=2, flagged=False, blocked=False)
    assert [one.parts for one in published(counts).values()] == [{}, {}, {}]
    counts.flag(PROMPT, 1, offset=3, verdict=Verdict())
    assert published(counts)[PROMPT].parts["subject"] == {"k1.a": 2}


def test_sums_add_up_every_series_of_the_minute_and_tell_their_children() -> None:
    counts = Counts(LEVELS)
    for offset, series in enumerate((PROMPT, PROMPT, OTHER, COMPLETION)):
        counts.flag(series, 1, offset=offset, verdict=Verdict(f"k1.{offset}"))
    counts.flag(PROMPT, 2, offset=9, verdict=Verdict())
    published(counts)
    counts.flag(OTHER, 1, offset=10, verdict=Verdict("k1.9"))
    found = published(counts)
    assert list(found) == [OTHER, BY_STAGE, ALL]
    assert (found[BY_STAGE].minute, found[BY_STAGE].flagged, found[ALL].flagged) == (1, 4, 5)
    assert found[BY_STAGE].parts["series"] == {PROMPT: 2, OTHER: 2}
    assert found[ALL].parts["series"] == {BY_STAGE: 4, "t|*|p|hate|completion": 1}
    assert len(found[ALL].parts["subject"]) == 5


def test_without_a_hierarchy_there_are_no_sums() -> None:
    counts = Counts()
    counts.flag(PROMPT, 1, offset=1, verdict=Verdict())
    assert list(published(counts)) == [PROMPT]


def test_totals_of_an_earlier_version_are_read() -> None:
    counts = Counts(LEVELS)
    counts.restore(f"1|{PROMPT}".encode(), msgspec.msgpack.encode((7, 2, 1, 40)))
    counts.flag(PROMPT, 1, offset=41, verdict=Verdict())
    assert published(counts)[ALL].flagged == 3


SERIES = st.sampled_from([PROMPT, COMPLETION, OTHER])
VERDICTS = st.lists(st.tuples(SERIES, st.integers(0, 2), st.booleans(), st.sampled_from("abcdefghijkl")), max_size=60)


@given(VERDICTS, st.integers(0, 60))
def test_a_restart_changes_nothing(verdicts: list[tuple[str, int, bool, str]], cut: int) -> None:
    whole, first = Counts(LEVELS), Counts(LEVELS)
    _counted(whole, verdicts, 0)
    _counted(first, verdicts[:cut], 0)
    second = Counts(LEVELS)
    for key, value in first.changed():
        second.restore(key.removeprefix(b"c|"), value)
    _counted(second, verdicts, 0)
    expected = {(one.series, one.minute): one for one in whole.published(0)}
    for one in second.published(0):
        before = expected[one.series, one.minute]
        assert (one.evaluated, one.flagged, one.blocked) == (before.evaluated, before.flagged, before.blocked)
        for dimension, counted in one.parts.items():
            assert (
                sum(counted.values()) == sum(before.parts[dimension].values()) == one.flagged or dimension == "series"
            )


@given(VERDICTS, st.integers(1, 20), st.integers(0, 60), st.integers(0, 60))
def test_chunks_of_the_log_count_as_its_verdicts_one_by_one_and_a_repeated_one_not_again(
    verdicts: list[tuple[str, int, bool, str]], size: int, read: int, again_from: int
) -> None:
    single, chunked = Counts(LEVELS), Counts(LEVELS)
    _counted(single, verdicts, 0)
    for log in (list(enumerate(verdicts))[:read], list(enumerate(verdicts))[min(again_from, read) :]):
        for start in range(0, len(log), size):
            _chunk(chunked, log[start : start + size])
    assert list(chunked.published(0)) == list(single.published(0))
    assert list(chunked.tallied(0)) == list(single.tallied(0))


def test_verdicts_without_a_finding_are_not_counted_whether_alone_or_together() -> None:
    states = ("clean", "not_evaluated", "filter_error", "masked")
    for again in (False, True):
        counts = Counts()
        for _ in range(1 + again):
            events = [judged(PROMPT, "a", state) for state in states]
            counts.chunk(Chunk([0, 1, 2, 3], [60.0, 60.0, 120.0, 60.0], events))
        assert [(one.evaluated, one.flagged) for one in published(counts).values()] == [(2, 1)]


def test_a_sum_looks_at_what_changed_only_and_is_right_after_a_restart() -> None:
    first, second = Counts(LEVELS), Counts(LEVELS)
    for offset, series in enumerate((PROMPT, OTHER, COMPLETION)):
        first.flag(series, 1, offset=offset, verdict=Verdict())
    for key, value in first.changed():
        second.restore(key.removeprefix(b"c|"), value)
    assert list(second.published(0)) == []
    second.flag(OTHER, 1, offset=3, verdict=Verdict(state="detected"))
    found = published(second)
    assert list(found) == [OTHER, BY_STAGE, ALL]
    assert [(one.flagged, one.blocked) for one in found.values()] == [(2, 1), (3, 2), (4, 3)]
    assert found[ALL].parts["series"] == {BY_STAGE: 3, "t|*|p|hate|completion": 1}


def _chunk(counts: Counts, log: list[tuple[int, tuple[str, int, bool, str]]]) -> None:
    verdicts = Chunk([], [], [])
    for offset, (series, minute, is_flagged, subject) in log:
        verdicts.offsets.append(offset)
        verdicts.ats.append(minute * 60.0 + 7)
        verdicts.events.append(judged(series, subject, "blocked" if is_flagged else "clean"))
    counts.chunk(verdicts)


def judged(series: str, subject: str, state: str) -> SimpleNamespace:
    key = SeriesKey.parse(series)
    return SimpleNamespace(**{**asdict(Verdict(f"k1.{subject}", state)), **key._asdict()})


def _counted(counts: Counts, verdicts: list[tuple[str, int, bool, str]], start: int) -> None:
    for offset, (series, minute, flagged, subject) in enumerate(verdicts, start):
        if flagged:
            counts.flag(f"{series}|f|2", minute, offset=offset, verdict=Verdict(f"k1.{subject}"))
        else:
            counts.add(f"{series}|f|2", minute, offset=offset, flagged=False, blocked=False)
