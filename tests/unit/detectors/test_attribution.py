"""What explains a rise: one campaign or everybody, told from bounded counts."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.signal import Attribution
from streams.detectors.attribution import (
    REST,
    VALUES,
    Former,
    absorbed,
    attribution,
    explained_by_child,
    merged,
    tally,
)

DAY = 86_400.0
CALM = {"subject": {"a": 10, "b": 10}, "language": {"de": 15, "en": 5}, "api_key": {"k": 20}}


def _former(parts: dict[str, dict[str, int]] = CALM, count: int = 20) -> Former:
    return absorbed(Former(), parts, count, at=0, half_life=DAY)


def _attributed(parts: dict[str, dict[str, int]], *, seen: int = 100, expected: float = 20.0) -> Attribution:
    found = attribution(parts, _former(), seen=seen, expected=expected, campaign_share=0.5)
    assert found is not None
    return found


def test_a_table_tells_seen_expected_and_the_share_of_the_excess() -> None:
    found = _attributed({"subject": {"a": 12, "evil": 80, "b": 8}})
    assert found.kind == "campaign"
    top = found.rows[0]
    assert (top.dimension, top.value, top.seen, top.expected, top.share) == ("subject", "evil", 80, 0.0, 1.0)
    assert {row.value: row.expected for row in found.rows} == {"evil": 0.0, "a": 10.0, "b": 10.0}
    assert [row.share for row in found.rows] == sorted((row.share for row in found.rows), reverse=True)


@pytest.mark.parametrize("dimension", ["subject", "api_key", "prompt_hash"])
def test_one_person_key_or_prompt_is_a_campaign(dimension: str) -> None:
    assert _attributed({dimension: {"x": 40}}).kind == "campaign"
    assert _attributed({dimension: {"x": 39}}).kind == "broad"


@pytest.mark.parametrize("dimension", ["language", "filter_version", "release", "series"])
def test_a_language_or_release_is_a_broad_shift(dimension: str) -> None:
    assert _attributed({dimension: {"x": 100}}).kind == "broad"


def test_the_key_that_everything_always_came_from_is_no_campaign() -> None:
    assert _attributed({"api_key": {"k": 100}}).kind == "broad"


def test_without_a_rise_or_counts_nothing_is_explained() -> None:
    assert attribution({}, _former(), seen=9, expected=1.0, campaign_share=0.5) is None
    assert attribution(CALM, _former(), seen=9, expected=9.0, campaign_share=0.5) is None


def test_the_rest_is_no_value() -> None:
    found = _attributed({"subject": {REST: 90, "a": 10}})
    assert {row.value for row in found.rows} == {"a"}


def test_former_counts_fade_and_shares_stay() -> None:
    later = absorbed(_former(), {"subject": {"a": 1}}, 1, at=int(DAY), half_life=DAY)
    assert later.total == pytest.approx(11.0)
    assert later.share("subject", "a") == pytest.approx(6 / 11)
    assert later.share("subject", "nobody") == 0.0
    assert Former().share("subject", "a") == 0.0


def test_a_series_that_explains_a_sum_is_enough() -> None:
    former = _former({"series": {"one": 10, "two": 10}}, 20)
    found = attribution({"series": {"one": 85, "two": 15}}, former, seen=100, expected=20.0, campaign_share=0.5)
    assert found is not None
    assert explained_by_child(found, former, share=0.8)
    assert not explained_by_child(found, former, share=0.95)


@pytest.mark.parametrize(
    ("before", "now", "explained"),
    [
        ({}, {"one": 50}, True),
        ({"one": 1}, {"one": 50}, True),
        ({}, {"one": 45, "two": 5}, False),
        ({"two": 20}, {"one": 50}, False),
    ],
    ids=["all it ever was", "known", "new beside others", "new, others were before"],
)
def test_a_new_series_explains_a_sum_only_where_it_is_all_of_it(
    before: dict[str, int], now: dict[str, int], explained: bool
) -> None:
    former = _former({"series": before}, sum(before.values()))
    found = attribution({"series": now}, former, seen=50, expected=1.0, campaign_share=0.5)
    assert found is not None
    assert explained_by_child(found, former, share=0.8) is explained


VALUE = st.sampled_from([f"v{number}" for number in range(40)])


@given(st.lists(VALUE, max_size=300))
def test_counts_are_bounded_and_their_sum_is_exact(values: list[str]) -> None:
    counts: dict[str, int] = {}
    for value in values:
        tally(counts, value)
    assert sum(counts.values()) == len(values)
    assert len(counts) <= VALUES + 1
    exact = Counter(values)
    assert all(n <= exact[value] for value, n in counts.items() if value != REST)


@given(st.lists(VALUE, min_size=200, max_size=300), st.integers(0, 100))
def test_a_newcomer_that_keeps_coming_is_seen(values: list[str], seed: int) -> None:
    counts: dict[str, int] = {}
    for value in values:
        tally(counts, value)
    for _ in range(50):
        tally(counts, "campaign")
    assert counts["campaign"] == 50


@given(st.lists(st.dictionaries(st.sampled_from(["subject", "release"]), st.dictionaries(VALUE, st.integers(1, 9)))))
def test_merging_keeps_sums_and_changes_nothing(many: list[dict[str, dict[str, int]]]) -> None:
    before = msgspec.json.encode(many)
    whole = merged(many)
    assert msgspec.json.encode(many) == before
    for dimension in ("subject", "release"):
        expected = sum(n for parts in many for n in parts.get(dimension, {}).values())
        assert sum(whole.get(dimension, {}).values()) == expected
    assert merged(reversed(many)) == whole


def test_merging_keeps_what_is_frequent_in_all_together() -> None:
    many = [{"subject": {f"v{number}": 5, "campaign": 3}} for number in range(20)]
    assert merged(many)["subject"] == {
        "campaign": 60,
        **dict.fromkeys(sorted(f"v{n}" for n in range(20))[-7:], 5),
        REST: 65,
    }


@given(st.lists(st.dictionaries(VALUE, st.integers(1, 50), max_size=12), max_size=30))
def test_former_counts_are_bounded(days: list[dict[str, int]]) -> None:
    former = Former()
    for day, counts in enumerate(days):
        former = absorbed(former, {"subject": counts}, sum(counts.values()), at=int(day * DAY), half_life=14 * DAY)
        assert all(0.0 <= former.share("subject", value) <= 1.0 for value in counts)
    assert all(len(counts) <= VALUES for counts in former.parts.values())
    assert len(msgspec.msgpack.encode(former)) < 200
