"""What a person is told about a finding of the repeat-offender detector; every number in it is part of the state."""

from datetime import UTC, datetime

from alerts.signal import FourNumbers
from policy.detectors import RepeatOffenderPolicy
from policy.duration import spell
from streams.detectors.offender_state import Case, OffenderState


def four_numbers(state: OffenderState, case: Case) -> FourNumbers:
    """How many, what share, how grave and how intentional; none of them decayed."""
    return FourNumbers(
        count=case.violations,
        requests=state.requests,
        share=case.violations / state.requests,
        gravity=case.severity / case.violations,
        intent=case.varied / case.violations,
    )


def by_frequency(case: Case) -> list[tuple[str, int]]:
    """Categories with their blocked requests, most frequent first, ties by name."""
    return sorted(case.categories, key=lambda counted: (-counted[1], counted[0]))


def words(state: OffenderState, case: Case, *, policy: RepeatOffenderPolicy, probability: float) -> str:
    """The statement that the affected person can read; the ids of the events are the signal's evidence."""
    categories = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in by_frequency(case))
    typical = policy.prior_violations / policy.prior_requests
    return (
        f"Between {_minute(state.since)} and {_minute(state.at)}, {case.violations} of your {state.requests} requests "
        f"were blocked ({categories}; mean severity {case.severity / case.violations:.1f} of 3). "
        f"Typical users: {_percent(typical)}. Given that, and with older requests counting half after "
        f"{spell(policy.half_life)}, the probability that your blocked rate exceeds the permitted "
        f"{_percent(policy.permitted_rate)} is {_certainty(probability)}. "
        f"The events used are listed as evidence ({len(case.evidence)})."
    )


def _minute(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _certainty(probability: float) -> str:
    return "more than 99.99 %" if probability > 0.9999 else f"{100 * probability:.2f} %"
