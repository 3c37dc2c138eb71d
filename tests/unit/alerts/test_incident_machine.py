"""Any sequence of signals and commands leaves at most one unresolved incident per detector, and resolved ones alone."""

from collections.abc import Callable
from datetime import datetime, timedelta

from alert_facts import AT, acknowledge, new_file, resolve, series_signal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.command import IncidentCommand
from alerts.incident import Incident
from alerts.incidents import IncidentFile, IncidentOutcome, apply_incident_command, apply_series_signal

Act = Callable[..., IncidentCommand]


class Series(RuleBasedStateMachine):
    """One series; `seen` holds the latest revision of every incident that was ever told."""

    @initialize()
    def start(self) -> None:
        self.file: IncidentFile = new_file()
        self.now: datetime = AT
        self.seen: dict[str, Incident] = {}

    def take(self, outcome: IncidentOutcome) -> None:
        self.file = outcome.file
        after = outcome.incident
        if after is None:
            return
        before = self.seen.get(after.id)
        if before:
            assert before.state != "resolved", "a resolved incident changed"
            assert after.revision == before.revision + 1
            assert (before.level, after.level) != ("page", "ticket")
        else:
            assert (after.revision, after.state) == (1, "open")
        assert outcome.entries[0].detail == after.model_dump(mode="json")
        self.seen[after.id] = after

    @rule(
        number=st.integers(0, 60),
        level=st.sampled_from(["ticket", "page"]),
        detector=st.sampled_from(["category_spike", "groundedness_drift"]),
    )
    def signalled(self, number: int, level: str, detector: str) -> None:
        self.now += timedelta(minutes=1)
        self.take(apply_series_signal(self.file, series_signal(number, level=level, at=self.now, detector=detector)))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), actor=st.sampled_from(["omar", "ines"]), act=st.sampled_from([acknowledge, resolve]))
    def commanded(self, data: st.DataObject, actor: str, act: Act) -> None:
        incident = self.seen[data.draw(st.sampled_from(sorted(self.seen)))]
        self.now += timedelta(minutes=1)
        command = act(incident.id, actor=actor, at=self.now)
        outcome = apply_incident_command(self.file, command, now=self.now)
        assert [entry.command_id for entry in outcome.entries] == [command.id]
        allowed = ("open", "acknowledged") if act is resolve else ("open",)
        assert (outcome.incident is not None) == (incident.state in allowed)
        self.take(outcome)

    @invariant()
    def at_most_one_is_unresolved_per_detector(self) -> None:
        unresolved = [one.detector for one in self.seen.values() if one.state != "resolved"]
        assert len(unresolved) == len(set(unresolved))

    @invariant()
    def unresolved_incidents_are_in_the_file(self) -> None:
        for one in self.seen.values():
            assert one.state == "resolved" or one in self.file.incidents


Series.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestSeries = Series.TestCase
