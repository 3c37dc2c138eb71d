"""Everything that the API refuses, and the one table that says with which status and code. It writes no response.

ApiError
├── TokenFileRefused                            at start
├── Unauthenticated · WrongScope · OtherTenant  who asks
├── Unreadable · UnsupportedEncoding · BodyTooLarge · TooManyItems · Invalid · FutureTime · NoItemAccepted · BadCursor
├── Unknown · NotAllowed · Conflict             what is asked for
├── Refused                                     what the one writer of a subject or incident would not do
│   ├── RefusedUnknown
│   └── RefusedUnfit
├── QueryRefused                                the SQL
└── BrokerUnavailable · StoreUnavailable · TooManyStreams · TooSlow
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ApiError(Exception):
    """Root. `field` names what is wrong, `detail` holds facts that are safe to show; neither repeats the input."""

    def __init__(self, *, field: str | None = None, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(field or type(self).__name__)
        self.field, self.detail = field, detail


class TokenFileRefused(ApiError):
    """The token file cannot be used; the process does not start."""

    def __init__(self, reason: str) -> None:
        super().__init__(detail={"reason": reason})
        self.reason = reason

    def __str__(self) -> str:
        return f"the token file is refused: {self.reason}"


class Unauthenticated(ApiError):
    """No token, or one that is not known."""


class WrongScope(ApiError):
    """The token does not carry a scope that the route needs."""


class OtherTenant(ApiError):
    """The token does not cover the tenant."""


class Unreadable(ApiError):
    """The body, or an item of it, is not what its content type says."""


class UnsupportedEncoding(ApiError):
    """A content encoding other than gzip."""


class BodyTooLarge(ApiError):
    """The body is larger than allowed, before or after decompression."""


class TooManyItems(ApiError):
    """More items in one request than allowed."""


class Invalid(ApiError):
    """A field is missing, of the wrong type or out of range."""


class FutureTime(ApiError):
    """The event is dated further ahead than the policy allows."""


class NoItemAccepted(ApiError):
    """Every item of a batch was rejected; the report per item comes with it."""


class BadCursor(ApiError):
    """A cursor or event id that no page or stream of ours gave."""


class Unknown(ApiError):
    """There is no such thing, or no such route."""


class NotAllowed(ApiError):
    """The route exists, the method does not."""


class Conflict(ApiError):
    """The thing is in a state that does not allow this, or the idempotency key was used for something else."""


class Refused(ApiError):
    """The writer of the subject or incident refused the command; `reason` is the code of its `alerts.errors` class."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__()
        self.reason, self.words = reason, words


class RefusedUnknown(Refused):
    """The command names something that the writer does not keep."""


class RefusedUnfit(Refused):
    """The command can never be carried out, however the state changes."""


class QueryRefused(ApiError):
    """The SQL may not run: not read-only, not understood, or above a limit. `code` is ClickHouse's."""

    def __init__(self, *, code: int, name: str, reason: str) -> None:
        super().__init__(detail={"code": code, "name": name, "reason": reason})
        self.code, self.name, self.reason = code, name, reason


class BrokerUnavailable(ApiError):
    """Kafka did not acknowledge; what was sent may be sent again, ids make it harmless."""


class StoreUnavailable(ApiError):
    """ClickHouse does not answer."""


class TooManyStreams(ApiError):
    """Every stream slot is taken."""


class TooSlow(ApiError):
    """The request took longer than allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one kind of error is told: an HTTP status, a code for programs and a sentence for people."""

    error: type[ApiError]
    status: int
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


_LATER = (("Retry-After", "2"),)
_ASK = (("WWW-Authenticate", 'Bearer realm="watchfloor"'),)

ANSWERS: tuple[Answer, ...] = (
    Answer(Unreadable, 400, "unreadable", "The body is truncated, not JSON, nested too deeply, or not gzip."),
    Answer(BadCursor, 400, "bad_cursor", "The cursor or event id was not given by this API."),
    Answer(QueryRefused, 400, "query_refused", "The query was refused."),
    Answer(Unauthenticated, 401, "unauthenticated", "A known bearer token is needed.", _ASK),
    Answer(WrongScope, 403, "wrong_scope", "The token lacks the scope for this."),
    Answer(OtherTenant, 403, "other_tenant", "The token does not cover this tenant."),
    Answer(Unknown, 404, "unknown", "There is no such thing here."),
    Answer(NotAllowed, 405, "method_not_allowed", "This route does not take this method."),
    Answer(RefusedUnknown, 404, "unknown", "There is no such thing here."),
    Answer(RefusedUnfit, 422, "invalid", "This can no longer be asked for."),
    Answer(Refused, 409, "conflict", "The current state does not allow this."),
    Answer(Conflict, 409, "conflict", "The current state does not allow this."),
    Answer(BodyTooLarge, 413, "body_too_large", "The body is too large."),
    Answer(TooManyItems, 413, "too_many_items", "Too many items in one request."),
    Answer(UnsupportedEncoding, 415, "unsupported_encoding", "The only content encoding taken is gzip."),
    Answer(Invalid, 422, "invalid", "A field is missing or does not fit."),
    Answer(FutureTime, 422, "future_time", "The time is further ahead than the policy allows."),
    Answer(NoItemAccepted, 422, "no_item_accepted", "No item was accepted."),
    Answer(BrokerUnavailable, 503, "broker_unavailable", "The event log does not acknowledge; send it again.", _LATER),
    Answer(StoreUnavailable, 503, "store_unavailable", "The analytics store does not answer.", _LATER),
    Answer(TooManyStreams, 503, "too_many_streams", "Every stream slot is taken.", _LATER),
    Answer(TooSlow, 504, "too_slow", "The request took too long."),
    Answer(ApiError, 500, "internal", "Something went wrong on our side."),
)  # fmt: skip
"""The one table. Handlers, item reports and the OpenAPI responses all read it; the first row that fits holds."""


def answer_to(error: ApiError | type[ApiError]) -> Answer:
    """The row of the table for an error."""
    kind = error if isinstance(error, type) else type(error)
    return next(row for row in ANSWERS if issubclass(kind, row.error))
