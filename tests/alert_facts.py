"""Ready-made signals, policies, cases and commands for tests; every one can be varied field by field."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.case import Case, Outcome, apply_command, apply_signal
from alerts.command import AcknowledgeIncident, ClaimAppeal, DecideAppeal, LiftDecision, OpenAppeal, ResolveIncident
from alerts.decision import Decision
from alerts.hold import FilterHold
from alerts.incidents import IncidentFile
from alerts.record import content_id
from alerts.signal import Expectation, FourNumbers, Signal, Statistic
from events import Category
from policy.ladder import Ladder
from policy.policy import Policy
from policy.version import LoadedPolicy, version_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = "contoso"
SUBJECT = "k1." + "a" * 26
SERIES = "contoso|gpt-4.1|azure.openai|hate|prompt"


def loaded(**fields: Any) -> LoadedPolicy:
    policy = Policy.model_validate({"name": "test", "author": "test", "mode": "enforce"} | fields)
    return LoadedPolicy(policy, version_of(policy), source="test")


ENFORCE = loaded()


def ladder(*steps: tuple[str, str, str | None], memory: str = "90d") -> Ladder:
    """Steps as (action, level, duration); without a duration a step needs a human."""
    rows = [
        {"action": action, "level": level, "duration": duration, "needs_human": not duration, "message": action}
        for action, level, duration in steps
    ]
    return Ladder.model_validate({"steps": rows, "memory": memory})


def signal(number: int = 1, *, level: str = "restrict", at: datetime = AT, **fields: Any) -> Signal:
    return Signal.model_validate(
        {
            "id": content_id("sig", str(number)),
            "detector": "repeat_offender",
            "tenant": TENANT,
            "key": f"{TENANT}|{SUBJECT}",
            "subject": SUBJECT,
            "level": level,
            "at": at,
            "statistic": Statistic(name="P(block rate > 0.02)", value=0.99999677, threshold=0.99),
            "categories": (Category.HATE, Category.VIOLENCE),
            "stages": ("prompt",),
            "evidence": ("e2", "e1"),
            "numbers": FourNumbers(count=14, requests=60, share=14 / 60, gravity=2.1, intent=0.35),
            "policy_version": "pol_x",
            "words": "14 of your 60 requests were blocked.",
        }
        | fields
    )


def series_signal(number: int = 1, *, level: str = "ticket", at: datetime = AT, **fields: Any) -> Signal:
    return signal(
        number,
        level=level,
        at=at,
        **{
            "detector": "category_spike",
            "key": SERIES,
            "subject": None,
            "statistic": Statistic(name="mixture Shiryaev-Roberts", value=900.0, threshold=288.0),
            "categories": (Category.HATE,),
            "numbers": None,
            "expectation": Expectation(expected=2.0, seen=14.0, since=at),
            "words": "14 blocked instead of 2.",
        }
        | fields,
    )


def hold(*filters: str, **fields: Any) -> FilterHold:
    """A hold on filters from an hour before AT, on category hate unless told otherwise."""
    known = {"tenant": TENANT, "series": f"{TENANT}|azure|hate", "categories": (Category.HATE,)}
    times = {"since": AT - timedelta(hours=1), "at": AT}
    return FilterHold.model_validate({"id": "hold_1", "filters": filters} | known | times | fields)


def fault(number: int = 1, **fields: Any) -> Signal:
    """A filter's fault, found at AT with its onset an hour before."""
    expectation = Expectation(expected=0.01, seen=0.3, since=AT - timedelta(hours=1))
    named = {"detector": "filter_fault", "key": f"{TENANT}|azure|hate", "filters": ("azure@3",)}
    return series_signal(number, level="page", **{**named, "expectation": expectation, **fields})


def new_case() -> Case:
    return Case(tenant=TENANT, subject=SUBJECT)


def decided(policy: LoadedPolicy = ENFORCE, *, times: int = 1, level: str = "block") -> tuple[Case, Decision]:
    """A case after some signals, a day apart, with its last decision."""
    case = new_case()
    for number in range(times):
        case = apply_signal(case, signal(number, level=level, at=AT + timedelta(days=number)), policy=policy).case
    return case, case.decisions[-1]


def new_file() -> IncidentFile:
    return IncidentFile(tenant=TENANT, series=SERIES)


def _asked(actor: str, at: datetime, *about: str) -> dict[str, Any]:
    return {"id": content_id("cmd", actor, at.isoformat(), *about), "tenant": TENANT, "at": at, "actor": actor}


def open_appeal(decision_id: str, *, actor: str = "subject", at: datetime = AT) -> OpenAppeal:
    about = _asked(actor, at, "open", decision_id)
    return OpenAppeal(**about, subject=SUBJECT, decision_id=decision_id, statement="It was a novel.")


def claim(appeal_id: str, *, actor: str = "ines", at: datetime = AT) -> ClaimAppeal:
    return ClaimAppeal(**_asked(actor, at, "claim", appeal_id), subject=SUBJECT, appeal_id=appeal_id)


def rule(appeal_id: str, outcome: str = "overturned", *, actor: str = "ines", at: datetime = AT) -> DecideAppeal:
    about = _asked(actor, at, outcome, appeal_id)
    return DecideAppeal.model_validate(
        about | {"subject": SUBJECT, "appeal_id": appeal_id, "outcome": outcome, "reason": "Fiction is allowed."}
    )


def lift(decision_id: str, *, actor: str = "ines", at: datetime = AT) -> LiftDecision:
    about = _asked(actor, at, "lift", decision_id)
    return LiftDecision(**about, subject=SUBJECT, decision_id=decision_id, reason="The filter was wrong.")


def acknowledge(
    incident_id: str, *, actor: str = "omar", at: datetime = AT, tenant: str = TENANT
) -> AcknowledgeIncident:
    about = _asked(actor, at, "ack", incident_id) | {"tenant": tenant}
    return AcknowledgeIncident(**about, incident_id=incident_id, series=SERIES)


def resolve(incident_id: str, *, actor: str = "omar", at: datetime = AT, series: str = SERIES) -> ResolveIncident:
    about = _asked(actor, at, "resolve", incident_id)
    return ResolveIncident(**about, incident_id=incident_id, series=series, note="A blocklist was wrong.")


def run(case: Case, *commands: OpenAppeal | ClaimAppeal | DecideAppeal | LiftDecision) -> Outcome:
    """The outcome of the last of some commands, each at its own time."""
    outcome = Outcome(case)
    for command in commands:
        outcome = apply_command(outcome.case, command, policy=ENFORCE, now=command.at)
    return outcome
