"""An explanation as lines for people, and as a document for programs; it computes nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from alerts.signal import Attribution
from streams.trace import MOST_MORE, Counterfactual, Needed, Reading, Trace
from watchfloor.explain import Explanation
from watchfloor.explain_replay import MOST_EVENTS, Replay

_NAMED = 10


def document(explanation: Explanation) -> dict[str, Any]:
    """Everything, as JSON can hold it."""
    found: dict[str, Any] = json.loads(msgspec.json.encode(explanation, enc_hook=_plain))
    return found


def lines(explanation: Explanation) -> Iterator[str]:
    """The explanation, one sentence a line."""
    if explanation.told:
        yield explanation.told
    yield from _about_policy(explanation)
    if explanation.signal and not explanation.signal["subject"]:
        yield from _series(explanation.signal)
    replay = explanation.replay
    for trace in replay.traces:
        yield from _trace(trace)
    yield from _counts(replay)
    yield from _caveats(explanation, replay)


def _about_policy(explanation: Explanation) -> Iterator[str]:
    if explanation.in_force and explanation.in_force != explanation.policy:
        yield f"Replayed with policy {explanation.policy}; it was concluded under {explanation.in_force}."
    else:
        yield f"Replayed with policy {explanation.policy}."


def _trace(trace: Trace) -> Iterator[str]:
    fired = ", ".join(f"{one.level} ({one.id})" for one in trace.signals)
    yield f"{trace.detector} at {trace.event_id}, event {trace.events} of {trace.key}: {fired or 'no signal'}."
    needed = {(one.level, one.path): one for one in trace.needed}
    yield from (f"  {_reading(one, needed.get((one.level, one.path)))}" for one in trace.readings)
    if not trace.readings:
        yield from (f"  {one.level}: {one.more} more events like it would have sufficed" for one in trace.needed)
    if trace.counterfactual:
        yield f"  {_without(trace.counterfactual)}"


def _reading(reading: Reading, needed: Needed | None) -> str:
    also = f", {reading.also}" if reading.also else ""
    number = f"{reading.level}: {reading.path} = {_number(reading.value)} of {_number(reading.threshold)}{also}"
    if reading.reached:
        return f"{number}: reached"
    missing = f" by {_number(reading.threshold - reading.value)}" if reading.value < reading.threshold else ""
    return f"{number}: short{missing}{_more(needed)}"


def _more(needed: Needed | None) -> str:
    if needed is None:
        return ""
    if needed.more is None:
        return f"; {MOST_MORE} more violations like the last would not have sufficed"
    if needed.more == 1:
        return "; one more violation would have sufficed"
    return f"; {needed.more} more violations would have sufficed"


def _without(found: Counterfactual) -> str:
    if not found.without:
        return f"Without all {found.of} events against it, {found.level} would still have been reached."
    names = ", ".join(found.without[:_NAMED])
    rest = f" and {len(found.without) - _NAMED} more" if len(found.without) > _NAMED else ""
    smallest = "; with any one of them back it is" if found.minimal else ""
    return (
        f"Without {len(found.without)} of the {found.of} events against it, taken {found.order}, "
        f"{found.level} would not have been reached{smallest}: {names}{rest}."
    )


def _series(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['detector']} in {row['key']}, {row['level']}."
    value, bound = _number(row["statistic_value"]), _number(row["statistic_threshold"])
    yield f"  {row['statistic_name']} = {value} of {bound}: reached"
    if row["expected"] is not None:
        yield f"  Expected {_number(row['expected'])}, seen {_number(row['seen'])} since {row['since']} UTC."
    if row.get("multiplier") is not None:
        low, high = _number(row["multiplier_low"]), _number(row["multiplier_high"])
        yield f"  About {_number(row['multiplier'])} times the expectation ({low} to {high})."
    if row.get("attribution"):
        yield from _attribution(Attribution.model_validate_json(row["attribution"]))


def _attribution(found: Attribution) -> Iterator[str]:
    yield "  One campaign explains most of it:" if found.kind == "campaign" else "  A broad rise; the largest parts:"
    for row in found.rows[:_NAMED]:
        yield f"    {row.dimension} {row.value}: {row.seen:g} where {row.expected:.1f} were expected, {row.share:.0%}"


def _counts(replay: Replay) -> Iterator[str]:
    if replay.fewer:
        found = replay.fewer
        if found.silent_at is None:
            yield f"  Seen {found.count} in the step; what came before it would have been enough without it."
        else:
            less = found.count - found.silent_at
            yield (
                f"  Seen {found.count} in the step; with {less} fewer ({found.silent_at} or less) "
                f"it would not have been a {found.level}."
            )
    if replay.scores:
        yield f"  {_without(replay.scores)}"


def _caveats(explanation: Explanation, replay: Replay) -> Iterator[str]:
    if replay.cut:
        yield f"Only the newest {MOST_EVENTS:,} events were replayed; older ones would add to what is counted."
    if explanation.signal and not replay.reproduced:
        yield (
            "The replay does not give this very signal: the policy or a fitted baseline differs, rows are no longer "
            "kept, or its detector sees more than one key's events."
        )
    if not explanation.signal and not replay.traces:
        yield "No detector counts this event."


def _number(value: float) -> str:
    return f"{value:.6g}"


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else dict(value)
