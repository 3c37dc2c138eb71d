"""A receiver of incidents on the loopback: it takes every POST, and keeps what it was sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

_ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class Delivery(NamedTuple):
    """One request."""

    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class Receiver:
    """An HTTP server with a URL and the deliveries so far."""

    def __init__(self) -> None:
        self.url = ""
        self.deliveries: list[Delivery] = []

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator[Self]:
        """One on a free port, for as long as the block lasts."""
        receiver = cls()
        server = await asyncio.start_server(receiver._serve, "127.0.0.1", 0)
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/incidents"
        try:
            yield receiver
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[1:-1]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(_ANSWER)
        await writer.drain()
        writer.close()
        self.deliveries.append(Delivery(headers, body))
