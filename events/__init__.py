"""What comes in: the wire contract, the taxonomy and the provider formats. Imports nothing of ours."""

from events.event import Event, ModelEvent
from events.filter_verdict import FilterVerdict
from events.keys import ScoreKey, SeriesKey, SubjectKey
from events.provider_notice import ProviderNotice
from events.request_log import RequestLog
from events.taxonomy import FLAGGED_STATES, Category, Modality, ScoreKind, Severity, Stage, State
from events.user_feedback import UserFeedback

__all__ = [
    "FLAGGED_STATES",
    "Category",
    "Event",
    "FilterVerdict",
    "Modality",
    "ModelEvent",
    "ProviderNotice",
    "RequestLog",
    "ScoreKey",
    "ScoreKind",
    "SeriesKey",
    "Severity",
    "Stage",
    "State",
    "SubjectKey",
    "UserFeedback",
]
