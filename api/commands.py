"""Sends a person's command to its one writer and waits for what the ledger says; it carries out nothing itself."""

import asyncio
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from alerts.command import Command
from alerts.ledger import LedgerEntry
from api.errors import Conflict, Refused, RefusedUnfit, RefusedUnknown
from api.ports import CommandSink

_UNFIT = frozenset({"appeal_window_closed", "actor_not_allowed"})

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Pending:
    """The ledger has not answered in time. The command will be carried out or refused; ask again by its id."""

    command_id: str


def refusal(entry: LedgerEntry) -> Refused:
    """The error for a ledger entry of kind `refused`, by its reason code."""
    reason = str(entry.detail.get("code", "refused"))
    if reason.endswith("_not_found"):
        return RefusedUnknown(reason, entry.words)
    return (RefusedUnfit if reason in _UNFIT else Refused)(reason, entry.words)


class Commander:
    """Submits commands and matches them with the ledger by command id.

    It remembers the last outcomes, so a command repeated after it was carried out is answered at once and is not sent
    again. Feed every ledger entry to `heard`.
    """

    def __init__(self, sink: CommandSink, *, patience: timedelta = timedelta(seconds=5), memory: int = 10_000) -> None:
        self._sink = sink
        self._patience = patience.total_seconds()
        self._asked: _Recent[Command] = _Recent(memory)
        self._heard: _Recent[LedgerEntry] = _Recent(memory)
        self._waiting: defaultdict[str, set[asyncio.Future[LedgerEntry]]] = defaultdict(set)

    async def submit(self, command: Command) -> LedgerEntry | Pending:
        """Send a command and return the ledger entry that it led to, or Pending when patience ends first.

        Raises Refused when the writer would not, Conflict when the id was used for another command, BrokerUnavailable.
        """
        asked = self._asked.get(command.id)
        if asked and asked.model_copy(update={"at": command.at}) != command:
            raise Conflict(field="Idempotency-Key")
        entry = self._heard.get(command.id) or await self._ask(asked or command)
        if entry and entry.kind == "refused":
            raise refusal(entry)
        return entry or Pending(command.id)

    async def _ask(self, command: Command) -> LedgerEntry | None:
        told: asyncio.Future[LedgerEntry] = asyncio.get_running_loop().create_future()
        self._waiting[command.id].add(told)
        try:
            await self._sink.submit(command)
            self._asked.put(command.id, command)
            async with asyncio.timeout(self._patience):
                return await told
        except TimeoutError:
            return None
        finally:
            self._waiting[command.id].discard(told)
            if not self._waiting[command.id]:
                del self._waiting[command.id]

    def heard(self, entry: LedgerEntry) -> None:
        """Take note of a ledger entry. Entries without a command pass by, and so does the lift that follows an appeal:

        the outcome of deciding an appeal is the decided appeal, in whatever order the two arrive.
        """
        follows = entry.kind == "lift" and entry.detail.get("appeal_id") is not None
        if entry.command_id is None or follows or self._heard.get(entry.command_id):
            return
        self._heard.put(entry.command_id, entry)
        for told in self._waiting.get(entry.command_id, ()):
            if not told.done():
                told.set_result(entry)

    def outcome(self, command_id: str) -> LedgerEntry | None:
        """What became of a command, if the ledger has told and it is still remembered."""
        return self._heard.get(command_id)


class _Recent(Generic[V]):
    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[str, V] = OrderedDict()

    def get(self, key: str) -> V | None:
        return self._items.get(key)

    def put(self, key: str, value: V) -> None:
        self._items[key] = value
        if len(self._items) > self._size:
            self._items.popitem(last=False)
