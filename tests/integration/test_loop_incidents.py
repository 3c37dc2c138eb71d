"""A planted spike and a planted drift: an incident each, told to a signed webhook at every step that people take."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest
import yaml
from loop.local import Local
from loop.planted import TENANT, drift, spike
from loop.waiting import until
from loop.webhook import Delivery, Receiver

from alerts.notify import verify
from alerts.notify.signature import HEADER

pytestmark = pytest.mark.embedded
DETECTORS = {"category_spike", "groundedness_drift"}
CHUNK = 1000


def quick_policy(folder: Path, url: str, secret: bytes) -> Path:
    """A policy that learns within half an hour of event time, and delivers to `url`."""
    (folder / "secret").write_bytes(secret)
    (folder / "secret").chmod(0o600)
    document = {
        "extends": "demo",
        "name": "quick",
        "author": "Watchfloor",
        "detectors": {
            "category_spike": {"steps": ["1m", "1h"], "cold_start": "20m"},
            "groundedness_drift": {"reference_size": 100},
        },
        "lateness": {"allowed": "1m", "idle": "1s"},
        "receivers": [{"name": "oncall", "url": url, "secret_file": str(folder / "secret")}],
    }
    path = folder / "quick.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def planted() -> list[dict[str, Any]]:
    """An hour that ends now, by event time, as canonical items."""
    start = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251  the loop runs on the wall clock
    spiking = spike(start, minutes=59, spike_at=45, spike_minutes=6)
    drifting = drift(start, scores=350, falls_at=200, every=timedelta(seconds=10))
    verdicts = sorted([*spiking, *drifting], key=lambda verdict: verdict.at)
    return [{"kind": "filter_verdict"} | one.model_dump(mode="json", exclude_none=True) for one in verdicts]


def changes(deliveries: list[Delivery]) -> set[tuple[str, str]]:
    """(detector, kind of change) of everything that was delivered."""
    told = [msgspec.json.decode(one.body) for one in deliveries]
    return {(one["incident"]["detector"], change["what"]) for one in told for change in one["changes"]}


async def test_spike_and_drift_raise_an_incident_each_and_every_step_is_delivered_signed(
    tmp_path: Path, told: Callable[[str], None]
) -> None:
    secret, items = b"a secret that on-call and we share", planted()
    async with Receiver.listening() as receiver:
        policy = quick_policy(tmp_path, receiver.url, secret)
        async with Local.running(tmp_path / "data", policy) as local:
            started = monotonic()
            for first in range(0, len(items), CHUNK):
                sent = await local.ask("POST", "/v1/ingest/canonical", json=items[first : first + CHUNK])
                assert sent.status_code == 202, sent.text

            def delivered(change: str) -> Callable[[], bool]:
                return lambda: changes(receiver.deliveries) >= {(detector, change) for detector in DETECTORS}

            await until(delivered("opened"), "both incidents are delivered")
            told(f"{len(items):,} verdicts, both delivered after {monotonic() - started:.1f} s")
            listed = (await local.ask("GET", "/v1/incidents", caller="analyst")).json()["items"]
            assert sorted(one["detector"] for one in listed) == sorted(DETECTORS)
            assert {one["tenant"] for one in listed} == {TENANT}
            assert {one["detector"]: one["categories"] for one in listed}["category_spike"] == ["violence"]

            for one in listed:
                taken = await local.ask("POST", f"/v1/incidents/{one['id']}:acknowledge", caller="analyst")
                assert (taken.status_code, taken.json()["owner"]) == (200, "analyst")
            await until(delivered("acknowledged"), "both acknowledgements are delivered")
            for one in listed:
                note = {"note": "A new release; rolled back."}
                over = await local.ask("POST", f"/v1/incidents/{one['id']}:resolve", caller="analyst", json=note)
                assert (over.status_code, over.json()["state"]) == (200, "resolved")
            await until(delivered("resolved"), "both resolutions are delivered")
            assert local.process.stop()[0] == 0
    now = datetime.now(UTC)  # noqa: TID251  what a receiver does
    for one in receiver.deliveries:
        assert verify(one.body, one.headers[HEADER.lower()], secret=secret, now=now) is None
        assert verify(one.body + b" ", one.headers[HEADER.lower()], secret=secret, now=now) == "mismatch"
    ids = [msgspec.json.decode(one.body)["id"] for one in receiver.deliveries]
    assert len(set(ids)) == len(ids)
