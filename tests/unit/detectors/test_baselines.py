"""Which fitted prior judges an event: the newest that holds at its time, whatever came when."""

from datetime import timedelta
from itertools import permutations

import pytest
from detector_traffic import OFFENDER, START, requests, run, verdict
from pydantic import ValidationError

from streams.detectors.baselines import Baseline, Baselines
from streams.detectors.gamma_poisson import Prior


def baseline(days: float = 0.0, product: str = "contoso", a: float = 0.5, b: float = 100.0) -> Baseline:
    return Baseline.of(
        Prior(a, b), product, subjects=900, fitted_to=START - timedelta(days=1), holds_from=START + timedelta(days=days)
    )


def test_its_id_is_a_function_of_its_content() -> None:
    assert baseline().id == baseline().id
    assert baseline().id.startswith("bas_")
    assert len({one.id for one in (baseline(), baseline(1), baseline(product="*"), baseline(a=1.0))}) == 4
    assert Baseline.model_validate_json(baseline().model_dump_json()) == baseline()


@pytest.mark.parametrize("wrong", [{"b": 19.0}, {"b": 201.0}, {"a": 0.0}, {"product": "Not a tenant"}])
def test_a_prior_out_of_bounds_is_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        baseline(**wrong)


def test_the_newest_of_the_product_holds_else_that_of_everybody_else_none() -> None:
    known = Baselines()
    for one in (baseline(2, "*"), baseline(7), baseline(14)):
        known = known.with_baseline(one)
    holding = [known.holding("contoso", "subject", START + timedelta(days=days)) for days in (1, 2, 6.9, 7, 13, 20)]
    assert holding == [None, baseline(2, "*"), baseline(2, "*"), baseline(7), baseline(7), baseline(14)]
    assert known.holding("fabrikam", "subject", START + timedelta(days=20)) == baseline(2, "*")
    assert known.holding("contoso", "session", START + timedelta(days=20)) is None


def test_the_order_of_arrival_and_repetitions_do_not_matter() -> None:
    ones = (baseline(1), baseline(1, a=0.6), baseline(3))
    orders = set()
    for order in permutations((*ones, ones[0])):
        known = Baselines()
        for one in order:
            known = known.with_baseline(one)
        orders.add(known)
    assert len(orders) == 1


def test_an_event_is_judged_by_the_baseline_that_holds_at_its_time() -> None:
    strict = baseline(1, a=0.2, b=200.0)
    detector = OFFENDER.with_baseline(strict)
    before = [verdict(i, 10 * i, state="blocked", severity=1) for i in range(20)]
    after = [verdict(i, 1440 + 10 * i, state="blocked", severity=1) for i in range(20)]
    assert run(detector, before) == run(OFFENDER, before)
    told, untold = run(detector, after)[1], run(OFFENDER, after)[1]
    assert [signal.numbers for signal in told] != [signal.numbers for signal in untold]
    assert f"Typical users: 0.1 % (baseline {strict.id})." in told[-1].words
    assert "baseline" not in untold[-1].words


def test_a_baseline_that_does_not_hold_yet_changes_nothing() -> None:
    events = list(requests(2, days=3, per_day=20, rate=0.5))
    later = OFFENDER.with_baseline(baseline(30)).with_baseline(baseline(0, "fabrikam"))
    assert run(later, events) == run(OFFENDER, events)
