"""What every response gets: a deadline, security headers, a count. It knows no route's meaning."""

import asyncio
import logging
import traceback
from datetime import timedelta

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, TooSlow
from api.metrics import Metrics
from api.problem import response_to

_log = logging.getLogger(__name__)

_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class Edge:
    """The outermost layer. A stream (a path that ends in `/stream`) may go on, but each of its writes has the deadline.

    The boundary of the process: what nobody foresaw becomes a 500 with a log line and a metric, without its text.
    """

    def __init__(self, app: ASGIApp, *, deadline: timedelta, metrics: Metrics) -> None:
        self._app, self._deadline, self._metrics = app, deadline.total_seconds(), metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = asyncio.get_running_loop().time()
        response = _Response(send, self._deadline)
        try:
            async with asyncio.timeout(None if scope["path"].endswith("/stream") else self._deadline):
                await self._app(scope, receive, response.send)
        except TimeoutError:
            await response.fail(TooSlow(), scope, receive)
        except Exception as error:
            _log.error("request_failed error=%s at=%s", type(error).__name__, _place(error))
            await response.fail(ApiError(), scope, receive)
        seconds = asyncio.get_running_loop().time() - started
        self._metrics.answered(scope["method"], _route(scope), status=response.status, seconds=seconds)


class _Response:
    def __init__(self, send: Send, deadline: float) -> None:
        self._send, self._deadline = send, deadline
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS:
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        async with asyncio.timeout(self._deadline):
            await self._send(message)

    async def fail(self, error: ApiError, scope: Scope, receive: Receive) -> None:
        if not self.status:
            await response_to(error)(scope, receive, self.send)


def _place(error: Exception) -> str:
    # Not the message, and so no traceback either: it may hold what the caller sent.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unmatched"))
