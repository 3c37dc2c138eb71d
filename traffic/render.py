"""Rows of numbers into JSON lines; the only place where strings of single requests are made."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from traffic.deployments import DEPLOYMENTS
from traffic.item import Envelope, Evaluation, Item
from traffic.planted import EVALUATOR, EVALUATOR_VERSION, METRIC
from traffic.population import LANGUAGES, RELEASES, raw_user
from traffic.requests import Traffic
from traffic.sessions import SESSION_BITS, Requests

_FILTER_VERSION = "default-2025-09"


class _Row(NamedTuple):
    """One request's columns as Python values."""

    at: int
    user: int
    session: int
    deployment: int
    shape: int
    prompt_hash: int
    prompt_tokens: int
    completion_tokens: int
    latency_ms: float
    score: float


class Renderer:
    """Turns the rows of one traffic into items. Ids follow from run, hour and row."""

    def __init__(self, traffic: Traffic) -> None:
        scenario, people = traffic.scenario, traffic.people
        self._start, self._start_ms, self._run = scenario.start.astimezone(UTC), scenario.start_ms, scenario.run
        self._tenants = [scenario.tenants[tenant] for tenant in people["tenant"].tolist()]
        self._users = [raw_user(scenario, people, row) for row in range(people.size)]
        self._languages = [LANGUAGES[index][0] for index in people["language"].tolist()]
        self._releases = [RELEASES[index][0] for index in people["release"].tolist()]
        self._shapes = traffic.shapes.table
        self._encode = msgspec.json.Encoder().encode

    def items(self, hour: int, rows: Requests) -> Iterator[Item]:
        """The hour's requests in their order, rendered as they are asked for."""
        stamps = np.datetime_as_string((rows["at"] + self._start_ms).astype("M8[ms]")).tolist()
        columns = (rows[name].tolist() for name in _Row._fields)
        for number, values in enumerate(zip(*columns, strict=True)):
            row = _Row._make(values)
            envelope = self._envelope(row, f"{self._run}-{hour:04x}-{number:06x}", at=f"{stamps[number]}Z")
            yield Item(self._start + timedelta(milliseconds=row.at), self._encode(envelope))

    def _envelope(self, row: _Row, request_id: str, *, at: str) -> Envelope:
        user, deployment, shape = row.user, DEPLOYMENTS[row.deployment], self._shapes[row.shape]
        tenant = self._tenants[user]
        return Envelope(
            at=at,
            id=request_id,
            tenant=tenant,
            user=self._users[user],
            session=f"{row.session >> SESSION_BITS:x}-{row.session & (1 << SESSION_BITS) - 1:x}",
            api_key=f"{tenant}-{deployment.name}",
            model=deployment.model,
            deployment=deployment.name,
            language=self._languages[user],
            release=self._releases[user],
            modality="text",
            http_status=shape.status,
            latency_ms=round(row.latency_ms, 1),
            prompt_hash=f"{row.prompt_hash:016x}",
            filter_version=_FILTER_VERSION,
            body=msgspec.Raw(shape.body % self._slots(row, request_id)),
            scores=None if row.score != row.score else [_evaluation(row.score)],
        )

    def _slots(self, row: _Row, request_id: str) -> dict[bytes, bytes | int]:
        return {
            b"id": b"chatcmpl-" + request_id.encode(),
            b"model": DEPLOYMENTS[row.deployment].model.encode(),
            b"created": (self._start_ms + row.at) // 1000,
            b"prompt": row.prompt_tokens,
            b"completion": row.completion_tokens,
            b"total": row.prompt_tokens + row.completion_tokens,
        }


def _evaluation(value: float) -> Evaluation:
    return Evaluation(METRIC, round(value, 4), EVALUATOR, EVALUATOR_VERSION)
