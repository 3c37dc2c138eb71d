"""Fitted priors become baselines that hold once every worker can know them; refusals are shown."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from watchfloor.baseline_commands import fitted

NOW = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)


def rates(tenant: str, *, subjects: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    requests = rng.integers(50, 400, subjects)
    violations = rng.poisson(rng.gamma(0.5, 1 / 100, subjects) * requests)
    return [
        {"tenant": tenant, "requests": int(n), "violations": int(k), "subjects": 1}
        for n, k in zip(requests, violations, strict=True)
    ]


def test_every_tenant_with_enough_subjects_has_its_own_and_all_have_one() -> None:
    rows, baselines = fitted(
        [*rates("contoso", subjects=4000, seed=1), *rates("tiny", subjects=5, seed=2)], fitted_to=NOW
    )
    assert [one.product for one in baselines] == ["contoso", "*"]
    assert {row["product"]: bool(row["refused"]) for row in rows} == {"contoso": False, "tiny": True, "*": False}
    assert 0.35 < baselines[0].violations < 0.7
    assert 65 < baselines[0].requests < 140


def test_a_baseline_holds_from_a_full_hour_at_least_an_hour_away() -> None:
    _, baselines = fitted(rates("contoso", subjects=2000, seed=3), fitted_to=NOW)
    assert {one.holds_from for one in baselines} == {datetime(2026, 3, 1, 14, tzinfo=UTC)}


def test_equal_rows_may_come_as_a_count() -> None:
    single = rates("contoso", subjects=2000, seed=4)
    doubled = [{**row, "subjects": 2} for row in single]
    _, twice = fitted([*single, *single], fitted_to=NOW)
    _, counted = fitted(doubled, fitted_to=NOW)
    assert [one.id for one in twice] == [one.id for one in counted]


def test_nothing_to_fit_on_is_no_error() -> None:
    rows, baselines = fitted([], fitted_to=NOW)
    assert baselines == []
    assert [row["product"] for row in rows] == ["*"]
