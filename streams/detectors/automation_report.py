"""What an analyst reads about a sign of a program: the number, what a person does, and one sentence."""

from datetime import UTC, datetime, timedelta
from math import log

from alerts.signal import Expectation, Scope, Statistic
from policy.automation import AutomationPolicy
from policy.duration import spell
from streams.detectors.automation_signs import HOUR, Sign
from streams.detectors.automation_state import AutomationState, Prompts

_NO_PROMPTS = Prompts(0, "")
_DAY = 24 * HOUR


def statistic(state: AutomationState, sign: Sign, *, policy: AutomationPolicy) -> Statistic:
    """The number behind one sign and its bound."""
    if sign == Sign.HOUR:
        return Statistic(name="requests in an hour", value=state.in_hour, threshold=policy.requests_per_hour)
    if sign == Sign.DAY:
        return Statistic(name="requests in a day", value=state.in_day, threshold=policy.requests_per_day)
    if sign == Sign.AWAKE:
        return Statistic(
            name="hours without a rest", value=_awake(state), threshold=policy.awake.total_seconds() / HOUR
        )
    evidence = state.pauses.evidence if sign == Sign.REGULAR else _prompts(state).evidence
    name = "ln Shiryaev-Roberts of equal " + ("pauses" if sign == Sign.REGULAR else "prompts")
    return Statistic(name=name, value=log(evidence), threshold=log(policy.false_alarm_every))


def expectation(state: AutomationState, sign: Sign, *, policy: AutomationPolicy) -> Expectation:
    """What a person does at most, what was seen, and since when."""
    pauses, prompts = state.pauses, _prompts(state)
    expected, seen, since = {
        Sign.HOUR: (policy.requests_per_hour, state.in_hour, state.hour * HOUR),
        Sign.DAY: (policy.requests_per_day, state.in_day, state.hour // 24 * _DAY),
        Sign.AWAKE: (policy.awake.total_seconds() / HOUR, _awake(state), state.awake_since),
        Sign.REGULAR: (policy.same_pauses, pauses.same / max(pauses.judged, 1), pauses.since),
        Sign.REPEATED: (policy.same_prompts, prompts.same / max(prompts.judged, 1), prompts.since),
    }[sign]
    return Expectation(expected=expected, seen=seen, since=datetime.fromtimestamp(since, UTC))


def words(state: AutomationState, *, policy: AutomationPolicy, scope: Scope) -> str:
    """E.g. `looks like a program: 38 of the last 40 pauses were as long as the one before …`, every sign that shows."""
    who = "This api key" if scope == "api_key" else "This user"
    return f"{who} looks like a program rather than a person: {'; '.join(_signs(state, policy))}"


def _signs(state: AutomationState, policy: AutomationPolicy) -> list[str]:
    told, pauses, prompts = Sign(state.told), state.pauses, _prompts(state)
    start = datetime.fromtimestamp(state.hour * HOUR, UTC)
    texts = {
        Sign.HOUR: f"{state.in_hour} requests from {start:%H:%M} to {start + timedelta(hours=1):%H:%M} UTC"
        f" (a person: fewer than {policy.requests_per_hour})",
        Sign.DAY: f"{state.in_day} requests on {start:%Y-%m-%d}, UTC (a person: fewer than {policy.requests_per_day})",
        Sign.AWAKE: f"{_awake(state):.0f} hours without a pause of {spell(policy.rest)}",
        Sign.REGULAR: f"{pauses.same} of the last {pauses.judged} pauses were as long as the one before, about"
        f" {pauses.last:.0f} seconds (a person: at most {policy.same_pauses:.0%})",
        Sign.REPEATED: f"{prompts.same} of the last {prompts.judged} times it began with the same prompt"
        f" (a person: at most {policy.same_prompts:.0%})",
    }
    return [text for sign, text in texts.items() if sign in told]


def _awake(state: AutomationState) -> float:
    return (state.at - state.awake_since) / HOUR


def _prompts(state: AutomationState) -> Prompts:
    return state.prompts or _NO_PROMPTS
