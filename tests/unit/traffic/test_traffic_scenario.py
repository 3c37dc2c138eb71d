"""A scenario that cannot be simulated is refused by the field at fault; equal scenarios are one run."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from traffic.errors import ScenarioError, TrafficError
from traffic.scenario import Scenario

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("seed", 2**63),
        ("start", START.replace(tzinfo=None)),
        ("users", 49),
        ("users", 5_000_001),
        ("hours", 0),
        ("hours", 24 * 366 + 1),
        ("tenants", ()),
        ("tenants", ("a", "a")),
        ("tenants", ("Contoso",)),
        ("tenants", ("a|b",)),
        ("offender_share", -0.1),
        ("offender_share", 0.3),
        ("permitted_rate", 0.0),
        ("permitted_rate", 1.0),
    ],
)
def test_a_field_out_of_range_is_named(field: str, value: Any) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario(**({"seed": 1, "start": START} | {field: value}))
    assert caught.value.field == field
    assert isinstance(caught.value, TrafficError)
    assert str(caught.value).startswith(f"{field}: ")


def test_runs_of_equal_scenarios_share_their_id_and_others_do_not() -> None:
    same = [
        Scenario(seed=1, start=START).run,
        Scenario(seed=1, start=START.astimezone(timezone(timedelta(hours=2)))).run,
    ]
    others = [
        Scenario(seed=2, start=START).run,
        Scenario(seed=1, start=START + timedelta(seconds=1)).run,
        Scenario(seed=1, start=START, users=99).run,
        Scenario(seed=1, start=START, hours=2).run,
        Scenario(seed=1, start=START, tenants=("x",)).run,
    ]
    assert same[0] == same[1]
    assert len({same[0], *others}) == 1 + len(others)


def test_moments_are_in_utc_whatever_zone_the_start_has() -> None:
    scenario = Scenario(seed=1, start=datetime(2026, 3, 2, 2, tzinfo=timezone(timedelta(hours=2))), hours=3)
    assert scenario.moment(1) == START + timedelta(milliseconds=1)
    assert scenario.moment(0).tzinfo is UTC
    assert scenario.end == START + timedelta(hours=3) == scenario.moment(scenario.end_ms)
