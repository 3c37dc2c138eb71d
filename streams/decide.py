"""The decider's lane: signals and commands in; decisions, enforcements, appeals, incidents and the ledger out.

One lane owns every subject and series of its partition, so each has one writer.
"""

from collections.abc import Iterable, Mapping

import msgspec
from pydantic import ValidationError

from alerts.case import Case, Outcome, apply_command, apply_hold, apply_signal
from alerts.command import COMMAND, Command, IncidentCommand, command_key
from alerts.decide import Brakes
from alerts.hold import FilterHold, extended, hold_of
from alerts.incidents import IncidentFile, IncidentOutcome, apply_incident_command, apply_series_signal
from alerts.ledger import LedgerEntry
from alerts.record import Record as Fact
from alerts.signal import Signal
from broker.bulk import Outgoing
from events import SubjectKey
from events.topics import APPEALS, COMMANDS, DECIDE_STATE, ENFORCEMENTS, FILTER_HOLDS, INCIDENTS, LEDGER, SIGNALS
from policy import LoadedPolicy
from streams import metrics
from streams.lane import Lane, Record, Source
from streams.quotas import Quotas


class DecideLane(Lane):
    """One partition of signals and commands."""

    agent = "decide"
    state_topic = DECIDE_STATE.name

    def __init__(self, partition: int, *, policy: LoadedPolicy, partitions: int) -> None:
        super().__init__(partition)
        self._policy = policy
        self._partitions = partitions
        self._holds: dict[str, FilterHold] = {}
        self._cases: dict[str, Case] = {}
        self._files: dict[str, IncidentFile] = {}
        self._quotas = Quotas(policy, partitions=partitions)
        self._flushed = 0
        self._dirty: dict[bytes, str] = {}
        self._kept: dict[bytes, Mapping[str, Fact]] = {b"s|": self._cases, b"n|": self._files, b"h|": self._holds}
        self._uses = {SIGNALS.name: self._signal, COMMANDS.name: self._command, FILTER_HOLDS.name: self._hold}

    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Apply a batch of signals, of commands or of holds on filters."""
        start = self.position.get(Source(topic, self.partition), 0)
        last = start - 1
        use = self._uses[topic]
        for record in records:
            last = record.offset
            if last >= start and record.value is not None:
                use(record)
        self.read_to(topic, max(start, last + 1))

    def _signal(self, record: Record) -> None:
        signal = Signal.model_validate_json(record.value or b"")
        if signal.subject is not None:
            self._judge(signal, record.offset)
            return
        self._keep_file(signal.key, apply_series_signal(self._file(signal.tenant, signal.key), signal))
        if hold := hold_of(signal):
            self._tell(extended(self._holds.get(hold.series), hold))

    def _judge(self, signal: Signal, offset: int) -> None:
        holds = tuple(one for one in self._holds.values() if one.tenant == signal.tenant)
        brakes = Brakes(holds, self._quotas.left(signal, offset))
        outcome = apply_signal(self._case(signal.key), signal, policy=self._policy, brakes=brakes)
        self._keep_case(signal.key, outcome)
        if outcome.concluded and (told := self._quotas.note(signal, outcome.concluded, place=offset)):
            metrics.SIGNALS.labels(detector=told.detector, level=told.level).inc()
            self.emit(Outgoing(SIGNALS.name, told.key.encode(), told.model_dump_json().encode()))

    def _tell(self, hold: FilterHold) -> None:
        """Every decider hears of a hold, this one too; it holds from when the record is read."""
        value = hold.model_dump_json().encode()
        for partition in range(self._partitions):
            self.emit(Outgoing(FILTER_HOLDS.name, hold.series.encode(), value, partition))

    def _hold(self, record: Record) -> None:
        hold = FilterHold.model_validate_json(record.value or b"")
        self._holds[hold.series] = hold
        self._dirty[b"h|" + hold.series.encode()] = hold.series
        for key, case in list(self._cases.items()):
            if case.tenant == hold.tenant and (outcome := apply_hold(case, hold)).case is not case:
                self._keep_case(key, outcome)

    def _command(self, record: Record) -> None:
        try:
            command: Command = COMMAND.validate_json(record.value or b"")
        except ValidationError:
            metrics.COMMANDS.labels(kind="unknown", outcome="unreadable").inc()
            return
        key = command_key(command)
        if isinstance(command, IncidentCommand):
            outcome = apply_incident_command(self._file(command.tenant, key), command, now=command.at)
            # An unknown series is refused and leaves no file: the command's tenant need not be the series' own.
            self._keep_file(key, outcome) if key in self._files else self._enter(outcome.entries)
            hold = self._holds.get(key)
            if hold and hold.until is None and outcome.incident and outcome.incident.state == "resolved":
                self._tell(hold.ended(command.at))
        else:
            case = self._case(key)
            self._keep_case(key, apply_command(case, command, policy=self._policy, now=command.at))

    def _case(self, key: str) -> Case:
        tenant, subject = SubjectKey.parse(key)
        return self._cases.get(key) or Case(tenant=tenant, subject=subject)

    def _file(self, tenant: str, series: str) -> IncidentFile:
        return self._files.get(series) or IncidentFile(tenant=tenant, series=series)

    def _keep_case(self, key: str, outcome: Outcome) -> None:
        self._cases[key] = outcome.case
        self._dirty[b"s|" + key.encode()] = key
        self._enter(outcome.entries)
        owner = key.encode()
        if outcome.enforcement:
            self.emit(Outgoing(ENFORCEMENTS.name, owner, outcome.enforcement.model_dump_json().encode()))
        if outcome.appeal:
            appeal = outcome.appeal
            name = f"{appeal.tenant}|{appeal.id}".encode()
            self.emit(Outgoing(APPEALS.name, name, appeal.model_dump_json().encode(), partition_key=owner))

    def _keep_file(self, series: str, outcome: IncidentOutcome) -> None:
        self._files[series] = outcome.file
        self._dirty[b"n|" + series.encode()] = series
        self._enter(outcome.entries)
        if outcome.incident:
            incident = outcome.incident
            self.emit(Outgoing(INCIDENTS.name, incident.id.encode(), incident.model_dump_json().encode()))

    def _enter(self, entries: Iterable[LedgerEntry]) -> None:
        for entry in entries:
            _count(entry)
            self.emit(Outgoing(LEDGER.name, entry.key.encode(), entry.model_dump_json().encode()))

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Quotas, then cases, incident files and holds, then the positions.

        Whatever part of it is written before a crash, a signal that its case knows is in its quota too.
        """
        quotas = self._quotas.changed(self._flushed)
        records: list[tuple[bytes, bytes | None]] = [(b"q|" + key.encode(), value) for key, value in quotas]
        self._mark_flushed()
        for state_key, key in self._dirty.items():
            records.append((state_key, self._kept[state_key[:2]][key].model_dump_json().encode()))
        self._dirty.clear()
        if self.outbox.offsets:
            encode = msgspec.msgpack.encode
            records.extend((f"p|{one.topic}".encode(), encode(self.position[one])) for one in self.outbox.offsets)
            metrics.KEYS.labels(agent=self.agent, kind="cases").set(len(self._cases))
        return records

    def restored(self) -> None:
        """Signals are read again from the restored position on."""
        self._mark_flushed()

    def _mark_flushed(self) -> None:
        self._flushed = self.position.get(Source(SIGNALS.name, self.partition), 0)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Quotas (`q|`), cases (`s|`), incident files (`n|`), holds (`h|`) and positions (`p|`)."""
        if value is None:
            return
        kind, rest = key[:2], key[2:].decode()
        if kind == b"s|":
            self._cases[rest] = Case.model_validate_json(value)
        elif kind == b"n|":
            self._files[rest] = IncidentFile.model_validate_json(value)
        elif kind == b"h|":
            self._holds[rest] = FilterHold.model_validate_json(value)
        elif kind == b"q|":
            self._quotas.restore(rest, value)
        elif kind == b"p|":
            self.position[Source(rest, self.partition)] = msgspec.msgpack.decode(value, type=int)


def _count(entry: LedgerEntry) -> None:
    if entry.kind == "decision":
        metrics.DECISIONS.labels(measure=entry.detail["measure"]).inc()
    elif entry.kind == "held":
        metrics.HELD.labels(reason=entry.detail["reason"]).inc()
    if entry.command_id:
        metrics.COMMANDS.labels(kind=entry.kind, outcome="refused" if entry.kind == "refused" else "done").inc()
