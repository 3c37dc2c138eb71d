"""Just enough of an HTTP/1.1 client to load a server: requests are prepared bytes, connections are kept; no TLS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

_LENGTH = b"content-length: "


class Answer(NamedTuple):
    """Status and body."""

    status: int
    body: bytes


class Connection:
    """One connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int) -> AsyncIterator[Self]:
        """Connect to this machine. Raises OSError."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def ask(self, request: bytes) -> Answer:
        """Send it and wait for the whole answer, whose length must be told."""
        head = await self.begin(request)
        lower = head.lower()
        start = lower.index(_LENGTH) + len(_LENGTH)
        body = await self.reader.readexactly(int(lower[start : lower.index(b"\r", start)]))
        return Answer(int(head[9:12]), body)

    async def begin(self, request: bytes) -> bytes:
        """Send it and wait for the head of the answer; the body is the caller's to read."""
        self._writer.write(request)
        return await self.reader.readuntil(b"\r\n\r\n")


def get(path: str, token: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n".encode()


def post(path: str, token: str, body: bytes) -> bytes:
    """A POST request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
