"""The recorded trace gives its burstiness and its tokens, and nothing of its clock."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traffic.arrivals import Arrivals
from traffic.errors import ArrivalsError

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "llm_arrivals_conv.csv"


def trace(count: int = 400) -> list[str]:
    """Pairs of requests 1 ms apart, then a second of silence."""
    rows = [f"2026-01-01 00:{n // 120:02}:{n // 2 % 60:02}.00{n % 2}0000,{100 + n},{n % 7}" for n in range(count)]
    return [HEADER, *rows]


def spread(at: np.ndarray) -> float:
    gaps = np.diff(at)
    return float(gaps.std() / gaps.mean())


def test_gaps_are_relative_to_their_mean_and_tokens_are_kept() -> None:
    arrivals = Arrivals.read(trace())
    assert arrivals.gaps.mean() == pytest.approx(1)
    assert arrivals.tokens.shape == (400, 2)
    assert arrivals.tokens[3].tolist() == [103, 3]


def test_lines_out_of_order_give_the_same_trace() -> None:
    header, *rows = trace()
    assert np.array_equal(Arrivals.read([header, *reversed(rows)]).gaps, Arrivals.read(trace()).gaps)


def test_even_times_become_as_bursty_as_the_trace() -> None:
    even = np.arange(0, 4_000_000, 1000)
    shaped = Arrivals.read(trace()).shape(even, np.random.default_rng(1))
    assert spread(even) == 0
    assert spread(shaped) == pytest.approx(1, abs=0.1)


def test_every_stretch_keeps_its_ends_so_that_the_day_keeps_its_curve() -> None:
    even = np.arange(0, 1_000_000, 1000)
    shaped = Arrivals.read(trace()).shape(even, np.random.default_rng(1))
    assert np.array_equal(shaped[::256], even[::256])
    assert shaped[-1] == even[-1]


def test_a_run_of_recorded_gaps_without_any_time_changes_nothing() -> None:
    still = ["2026-01-01 00:00:00,1,1"] * 600
    arrivals = Arrivals.read([HEADER, *still, "2026-01-01 00:00:01,1,1"])
    even = np.arange(0, 100_000, 1000)
    assert np.array_equal(arrivals.shape(even, np.random.default_rng(1)), even)


@given(st.lists(st.integers(0, 10**9), max_size=900), st.integers(0, 2**32))
def test_order_and_range_are_kept(times: list[int], seed: int) -> None:
    at = np.sort(np.array(times, dtype=np.int64))
    shaped = Arrivals.read(trace()).shape(at, np.random.default_rng(seed))
    assert shaped.size == at.size
    assert (np.diff(shaped) >= 0).all()
    assert at.size == 0 or (shaped[0], shaped[-1]) == (at[0], at[-1])


def test_drawn_tokens_come_from_the_trace_in_pairs() -> None:
    arrivals = Arrivals.read(trace())
    drawn = arrivals.draw_tokens(50, np.random.default_rng(1))
    assert {tuple(pair) for pair in drawn.tolist()} <= {tuple(pair) for pair in arrivals.tokens.tolist()}


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("2026-01-01 00:00:00,1", 402),
        ("yesterday,1,1", 402),
        ("2026-01-01 00:00:00,1.5,1", 402),
        ("2026-01-01 00:00:00,-1,1", 402),
    ],
)
def test_a_broken_line_is_named(row: str, line: int) -> None:
    with pytest.raises(ArrivalsError) as caught:
        Arrivals.read([*trace(), row])
    assert caught.value.line == line
    assert f"line {line}" in str(caught.value)


@pytest.mark.parametrize("lines", [[], ["a,b"], [HEADER], trace(200), [HEADER, *["2026-01-01 00:00:00,1,1"] * 300]])
def test_a_file_without_columns_or_requests_is_refused(lines: list[str]) -> None:
    with pytest.raises(ArrivalsError) as caught:
        Arrivals.read(lines)
    assert caught.value.line == 0
    assert str(caught.value) == caught.value.reason


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(trace()), encoding="utf-8-sig")
    assert Arrivals.load(path).tokens.shape == (400, 2)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded trace is not on this machine")
def test_the_recorded_trace_gives_its_own_burstiness_and_tokens() -> None:
    arrivals = Arrivals.load(RECORDED)
    shaped = arrivals.shape(np.arange(0, 60_000_000, 1000), np.random.default_rng(1))
    assert arrivals.tokens.shape == (19_366, 2)
    assert spread(shaped) == pytest.approx(float(arrivals.gaps.std()), rel=0.1)
    assert np.median(arrivals.draw_tokens(20_000, np.random.default_rng(1))[:, 0]) == pytest.approx(
        np.median(arrivals.tokens[:, 0]), rel=0.05
    )
