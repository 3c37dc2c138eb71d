"""Reads every body before the application sees it, within a limit, and unpacks gzip; it does not look at content."""

import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, BodyTooLarge, Unreadable, UnsupportedEncoding
from api.problem import response_to

_GZIP = 31


class BodyLimit:
    """Refuses a body above the limit while reading it: as sent, and again as unpacked, so a gzip bomb stays small."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with the whole body in one message, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive)
        except ApiError as error:
            await response_to(error)(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        del headers["content-encoding"]
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise UnsupportedEncoding(field="Content-Encoding")
        if headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > self._limit:
            raise self._too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Unreadable(detail={"reason": "cut_off"})
            body += message.get("body", b"")
            if len(body) > self._limit:
                raise self._too_large()
            if not message.get("more_body", False):
                return self._unpack(bytes(body)) if encoding == "gzip" else bytes(body)

    def _unpack(self, packed: bytes) -> bytes:
        reader = zlib.decompressobj(wbits=_GZIP)
        try:
            body = reader.decompress(packed, self._limit + 1)
        except zlib.error as error:
            raise Unreadable(detail={"reason": "not_gzip"}) from error
        if len(body) > self._limit:
            raise self._too_large()
        if not reader.eof or reader.unused_data:
            raise Unreadable(detail={"reason": "not_gzip"})
        return body

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(detail={"limit_bytes": self._limit})


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def next_message() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return next_message
