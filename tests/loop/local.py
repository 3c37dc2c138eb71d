"""A whole installation on this machine, as `watchfloor dev` runs it, with a token for each kind of caller."""

import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import yaml
from loop.process import POLICY, Process
from loop.waiting import until

from api.tokens import hash_of, new_token
from watchfloor.place import Place

TENANT, ELSEWHERE = "acme", "globex"
_CALLERS: tuple[tuple[str, list[str], list[str]], ...] = (
    ("ingester", ["ingest"], [TENANT]),
    ("gateway", ["gateway"], [TENANT]),
    ("analyst", ["analyst"], [TENANT]),
    ("reviewer", ["reviewer"], [TENANT]),
    ("stranger", ["ingest", "gateway", "analyst"], [ELSEWHERE]),
)
AZURE = "/v1/ingest/azure-openai-chat"


class Local:
    """One folder; `start` and `stop` may alternate. Requests are made in a caller's name."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root)
        self.place.prepare()
        self.tokens = {name: new_token() for name, _, _ in _CALLERS} | {"admin": self.place.token.read_text("utf-8")}
        book = yaml.safe_load(self.place.tokens.read_text("utf-8"))
        book += [
            {"name": name, "sha256": hash_of(self.tokens[name]), "scopes": scopes, "tenants": tenants}
            for name, scopes, tenants in _CALLERS
        ]
        self.place.tokens.write_text(yaml.safe_dump(book), "utf-8")
        self.ready_seconds = 0.0
        """How long the last start took until everything was ready."""
        self._url = ""
        self._process: Process | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls, root: Path, policy: Path = POLICY) -> AsyncIterator[Self]:
        """An installation in `root`, started; stopped by force at the end if it still runs."""
        local = cls(root)
        await local.start(policy)
        try:
            yield local
        finally:
            with local.process:
                pass

    @property
    def process(self) -> Process:
        """The `watchfloor dev` that was started last."""
        assert self._process, "not started"
        return self._process

    async def start(self, policy: Path = POLICY) -> None:
        """Run it, and wait until it is ready."""
        started = time.monotonic()
        arguments = ["dev", "--data", str(self.place.root), "--port", "0", "--policy", str(policy)]
        self._process = Process(arguments, {}, self.place.log("dev"))
        await until(self._is_ready, "the installation is ready", seconds=60)
        self.ready_seconds = time.monotonic() - started

    def _is_ready(self) -> bool:
        assert self.process.code is None, self.process.said[-2000:]
        if not self.place.address.exists():
            return False
        self._url = json.loads(self.place.address.read_text("utf-8") or "{}").get("url", "")
        try:
            return bool(self._url) and httpx.get(f"{self._url}/readyz").is_success
        except httpx.TransportError:
            return False

    async def ask(self, method: str, path: str, *, caller: str | None = "admin", **request: Any) -> httpx.Response:
        """One request; without a token when the caller is None."""
        headers = dict(request.pop("headers", {}))
        if caller:
            headers["Authorization"] = f"Bearer {self.tokens[caller]}"
        async with httpx.AsyncClient(base_url=self._url, timeout=30) as client:
            return await client.request(method, path, headers=headers, **request)

    async def sql(self, query: str) -> list[dict[str, Any]]:
        """Rows that an administrator's query finds."""
        answer = await self.ask("POST", "/v1/sql", params={"default_format": "JSON"}, content=query)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows

    async def ingest(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Send Azure items, all of which must be accepted."""
        answer = await self.ask("POST", AZURE, caller="ingester", json=list(items))
        assert answer.status_code == 202, answer.text

    async def standing(self, user: str, tenant: str = TENANT) -> dict[str, Any]:
        """What a gateway is told about a user."""
        answer = await self.ask("GET", f"/v1/enforcement/{tenant}/{user}", params={"id_kind": "user"}, caller="gateway")
        assert answer.status_code == 200, answer.text
        standing: dict[str, Any] = answer.json()
        return standing
