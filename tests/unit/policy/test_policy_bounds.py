"""Parameters outside their meaning are refused, and rules across fields hold."""

from typing import Any

import pytest
from pydantic import ValidationError

from policy import Policy, load_policy

NAMED = {"name": "n", "author": "a"}
WARN = {"action": "warn", "level": "restrict", "duration": "1d", "message": "m"}
HOOK = {"name": "r", "url": "https://hooks.test/x", "secret_file": "/run/secret"}


def policy(**fields: Any) -> Policy:
    return Policy.model_validate(NAMED | fields)


def detector(name: str, **fields: Any) -> dict[str, Any]:
    return {"detectors": {name: fields}}


@pytest.mark.parametrize(
    "fields",
    [
        detector("repeat_offender", prior_requests=19.9),
        detector("repeat_offender", prior_requests=201),
        detector("repeat_offender", prior_violations=0),
        detector("repeat_offender", permitted_rate=1),
        detector("repeat_offender", restrict_at=0.95),
        detector("repeat_offender", block_min_violations=0),
        detector("repeat_offender", half_life="0s"),
        detector("repeat_offender", evidence_limit=51),
        detector("category_spike", multipliers=[1]),
        detector("category_spike", multipliers=[2] * 9),
        detector("category_spike", tolerance=0.9),
        detector("category_spike", dispersion=float("inf")),
        detector("category_spike", steps=["0s"]),
        detector("category_spike", steps=["30s"]),
        detector("category_spike", steps=["7m"]),
        detector("category_spike", steps=["1d"]),
        detector("category_spike", steps=["1h", "5m"]),
        detector("category_spike", steps=[]),
        detector("category_spike", hierarchy=[["stage"], ["model"]]),
        detector("category_spike", hierarchy=[["stage", "tenant"]]),
        detector("category_spike", learn_from="6d"),
        detector("category_spike", history="57d"),
        detector("category_spike", history="10d"),
        detector("category_spike", ticket_every="8d"),
        detector("groundedness_drift", false_alarm_every=99),
        detector("groundedness_drift", bets=[1]),
        detector("groundedness_drift", reference_size=10),
        {"ladder": {"steps": []}},
        {"ladder": {"steps": [WARN] * 13}},
        {"ladder": {"steps": [WARN | {"action": "throttle"}]}},
        {"ladder": {"steps": [WARN | {"duration": "0s"}]}},
        {"ladder": {"steps": [WARN, WARN | {"action": "suspend"}, WARN | {"action": "throttle"}]}},
        {"ladder": {"steps": [WARN, WARN | {"action": "suspend", "level": "review"}]}},
        {"ladder": {"steps": [WARN, {"action": "ban", "level": "block", "message": "m"}]}},
        {"retention": {"raw": "0s"}},
        {"retention": {"minutes": "401d"}},
        {"retention": {"ledger": "190d"}},
        {"appeals": {"window": "0s"}},
        {"dead_letters": {"max_share": 0}},
        {"lateness": {"idle": "0s"}},
        {"receivers": [HOOK, HOOK]},
        {"receivers": [HOOK | {"url": "file:///etc/passwd"}]},
        {"receivers": [HOOK | {"on": []}]},
        {"exemptions": [{"tenant": "T", "subject": "k1." + "a" * 26, "until": "2030-01-01T00:00:00Z", "why": "w"}]},
        {"exemptions": [{"tenant": "t", "subject": "k1." + "a" * 26, "until": "2030-01-01T00:00:00", "why": "w"}]},
        {"guardrails": {"exempt_models": [""]}},
        {"guardrails": {"rows": [{"category": "hate", "stages": ["prompt"], "block": "low", "modalities": []}]}},
    ],
    ids=str,
)
def test_a_parameter_outside_its_bounds_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        detector("repeat_offender", prior_requests=20),
        detector("category_spike", steps=["1m"], hierarchy=[]),
        detector("category_spike", steps=["5m", "30m", "1h"], hierarchy=[["stage"], []]),
        detector("category_spike", ticket_every="7d", cold_start="0s"),
        {"ladder": {"steps": [WARN, WARN, WARN | {"action": "suspend", "level": "block"}]}},
        {"retention": {"raw": "1h", "minutes": "400d"}},
        {"retention": {"ledger": "191d"}},
        {"receivers": [HOOK, HOOK | {"name": "other"}]},
    ],
    ids=str,
)
def test_a_parameter_on_its_bound_is_accepted(fields: dict[str, Any]) -> None:
    assert policy(**fields)


def test_a_policy_cannot_be_changed() -> None:
    given = policy()
    for field in Policy.model_fields:
        with pytest.raises(ValidationError):
            setattr(given, field, None)


def test_a_detectors_own_mode_overrides_the_policys() -> None:
    given = policy(mode="review", **detector("repeat_offender", mode="enforce"))
    assert given.mode_of("repeat_offender") == "enforce"
    assert given.mode_of("category_spike") == given.mode_of("unheard_of") == "review"


def test_nothing_is_enforced_unless_a_policy_says_so() -> None:
    assert policy().mode_of("repeat_offender") == "observe"
    assert load_policy("azure-default").policy.mode_of("repeat_offender") == "observe"
