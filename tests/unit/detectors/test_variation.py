"""Whether a prompt varies another: exact for short ones, unbiased for long ones, and never a guess without hashes."""

import random

import numpy as np
import pytest
from detector_traffic import OFFENDER, run, verdict
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors.variation import KEPT, resemblance, sketch

HASHES = st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=256)


@given(HASHES)
def test_a_prompt_resembles_itself_in_any_order(hashes: set[int]) -> None:
    shuffled = random.Random(1).sample(sorted(hashes), len(hashes))
    assert resemblance(sketch(hashes), sketch([*shuffled, *shuffled])) == 1.0


@given(HASHES, HASHES)
def test_disjoint_prompts_do_not_resemble_each_other(one: set[int], other: set[int]) -> None:
    other -= one
    assert resemblance(sketch(one), sketch(other)) == 0.0


@given(HASHES, HASHES)
def test_resemblance_is_symmetric_and_exact_where_both_fit(one: set[int], other: set[int]) -> None:
    estimate = resemblance(sketch(one), sketch(other))
    assert estimate == resemblance(sketch(other), sketch(one))
    if len(one | other) <= KEPT:
        assert estimate == len(one & other) / len(one | other)


@pytest.mark.parametrize("shared", [40, 120, 200])
def test_the_estimate_is_unbiased_and_its_error_is_as_stated(shared: int) -> None:
    chance = np.random.default_rng(shared)
    true = shared / (2 * 240 - shared)
    errors = []
    for _ in range(400):
        drawn = chance.choice(2**32, size=2 * 240 - shared, replace=False).tolist()
        errors.append(resemblance(sketch(drawn[:240]), sketch(drawn[240 - shared :])) - true)
    assert abs(np.mean(errors)) <= 3 * np.std(errors) / np.sqrt(len(errors))
    assert np.std(errors) <= 0.0625


def test_a_sketch_is_bounded() -> None:
    assert len(sketch(range(256))) == 4 * KEPT
    assert resemblance(b"", sketch([1])) == 0.0


def _varied(*prompts: tuple[str, range | tuple[()]]) -> int:
    events = [
        verdict(i, 6 * i, state="blocked", prompt_hash=name * 16, prompt_shingles=tuple(shingles))
        for i, (name, shingles) in enumerate(prompts)
    ]
    return run(OFFENDER, events)[0].case.varied


@pytest.mark.parametrize(
    ("second", "varied"),
    [
        (("b", range(5, 50)), 1),
        (("b", range(25, 75)), 0),
        (("b", range(1000, 1040)), 0),
        (("a", range(50)), 0),
        (("b", ()), 1),
    ],
    ids=["near duplicate", "half alike", "another subject matter", "retry", "no shingles"],
)
def test_a_near_duplicate_after_a_block_is_a_variation(second: tuple[str, range | tuple[()]], varied: int) -> None:
    assert _varied(("a", range(50)), second) == varied


def test_each_prompt_is_compared_with_the_one_blocked_before_it() -> None:
    assert _varied(("a", range(50)), ("b", range(5, 55)), ("c", range(10, 60)), ("d", range(500, 550))) == 2
