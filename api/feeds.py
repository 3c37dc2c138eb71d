"""Dispatches the records of the internal topics to the views, the feed and the commander; it reads no log itself."""

import logging

from pydantic import ValidationError

from alerts.appeal import Appeal
from alerts.decision import Decision, Lift
from alerts.enforcement import Enforcement
from alerts.incident import Incident
from alerts.ledger import LedgerEntry
from alerts.signal import Signal
from api.alert_feed import AlertFeed, from_entry, from_signal
from api.commands import Commander
from api.metrics import Metrics
from api.views import Views
from events.topics import APPEALS, ENFORCEMENTS, INCIDENTS, LEDGER, SIGNALS, Topic

_log = logging.getLogger(__name__)

TAILED: tuple[Topic, ...] = (ENFORCEMENTS, APPEALS, INCIDENTS, SIGNALS, LEDGER)
"""The topics to pump into a Tail, each from its beginning."""


class Tail:
    """Takes records in the event loop, in each partition's order; a repeated record changes nothing.

    A record that is not understood is counted, logged by its topic and left out, so `apply` raises nothing for it.
    """

    def __init__(self, views: Views, feed: AlertFeed, commander: Commander, *, metrics: Metrics) -> None:
        self._views, self._feed, self._commander, self._metrics = views, feed, commander, metrics
        self._takers = {
            ENFORCEMENTS.name: self._enforcement,
            APPEALS.name: self._appeal,
            INCIDENTS.name: self._incident,
            SIGNALS.name: self._signal,
            LEDGER.name: self._entry,
        }

    def apply(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Take a record of a topic (its own name, without a prefix) in. Raises KeyError for a topic not in TAILED."""
        take = self._takers[topic]
        try:
            take((key or b"").decode(), value)
        except (ValidationError, ValueError) as error:
            self._metrics.read(topic, "unreadable")
            _log.warning("record_unreadable topic=%s error=%s", topic, type(error).__name__)
        else:
            self._metrics.read(topic, "applied")

    def _enforcement(self, key: str, value: bytes | None) -> None:
        self._views.enforcements.apply(key, Enforcement.model_validate_json(value) if value else None)

    def _appeal(self, key: str, value: bytes | None) -> None:
        _, _, appeal_id = key.rpartition("|")
        self._views.appeals.apply(appeal_id, Appeal.model_validate_json(value) if value else None)

    def _incident(self, key: str, value: bytes | None) -> None:
        self._views.incidents.apply(key, Incident.model_validate_json(value) if value else None)

    def _signal(self, _: str, value: bytes | None) -> None:
        if value:
            self._feed.apply(from_signal(Signal.model_validate_json(value)))

    def _entry(self, _: str, value: bytes | None) -> None:
        if not value:
            return
        entry = LedgerEntry.model_validate_json(value)
        if entry.kind == "decision":
            self._views.decisions.apply(Decision.model_validate(entry.detail))
        elif entry.kind == "lift":
            self._views.decisions.apply(Lift.model_validate(entry.detail))
        if alert := from_entry(entry):
            self._feed.apply(alert)
        self._commander.heard(entry)
