"""Talks to a running API over HTTP, for the commands that ask it something; it knows no route by itself."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp

from watchfloor.errors import CommandError
from watchfloor.place import Target

_TIMEOUT = aiohttp.ClientTimeout(total=120)
_TRIES = 8
_KEPT_SECONDS = 2.0
"""Below what servers keep an idle connection for: one that is used as it is closed fails."""


class Refused(CommandError):
    """The API answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(f"the API answered {status}: {message}")


class Client:
    """One session with one API; use `connected`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    @classmethod
    @asynccontextmanager
    async def connected(cls, target: Target) -> AsyncIterator[Self]:
        """A session that is closed at the end."""
        headers = {"Authorization": f"Bearer {target.token}"}
        connector = aiohttp.TCPConnector(keepalive_timeout=_KEPT_SECONDS)
        async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT, connector=connector) as session:
            yield cls(session, target.url)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON answer. Raises Refused."""
        async with self._session.get(self._url + path, params=params) as response:
            return await _json(response)

    async def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON body. Raises Refused."""
        async with self._session.post(self._url + path, json=body) as response:
            return await _json(response)

    async def sql(self, query: str, parameters: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Rows of a read-only query; `parameters` are ClickHouse's `param_…`. Raises Refused."""
        params = {"default_format": "JSON", **(parameters or {})}
        async with self._session.post(f"{self._url}/v1/sql", params=params, data=query) as response:
            rows: list[dict[str, Any]] = (await _json(response))["data"]
            return rows

    async def ingest(self, wire_format: str, lines: bytes) -> dict[str, Any]:
        """Send NDJSON; while the API is not ready (503), try again. The report per item. Raises Refused."""
        url, headers = f"{self._url}/v1/ingest/{wire_format}", {"Content-Type": "application/x-ndjson"}
        for attempt in range(_TRIES):
            async with self._session.post(url, data=lines, headers=headers) as response:
                if response.status != 503 or attempt == _TRIES - 1:
                    if response.status in (202, 207, 422):
                        report: dict[str, Any] = await response.json()
                        if "items" in report:
                            return report
                    await _json(response)
            await asyncio.sleep(min(0.25 * 2**attempt, 5))
        raise Refused(503, "the API is not ready")


async def _json(response: aiohttp.ClientResponse) -> Any:
    if response.ok:
        return await response.json(content_type=None)
    text = await response.text()
    try:
        message = (await response.json(content_type=None))["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = text[:300]
    raise Refused(response.status, message)
