"""Signals about series are explained from stored rows: a rise by fewer counts, a fall by its lowest scores."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from loop.planted import drift, spike
from sql_facts import fresh_store, new_archiver, raw, records

from broker.bulk import Outgoing
from events import FilterVerdict
from events.topics import FILTER_VERDICTS, SIGNALS
from policy import load_policy
from sql.batch import Batch
from sql.readonly import Limits, Question, run_readonly
from sql.store import Store
from streams.rehearsal import Rehearsal
from watchfloor.explain import explain
from watchfloor.explain_words import document, lines

pytestmark = pytest.mark.embedded
POLICY = load_policy("demo")
START = datetime(2026, 11, 2, 8, tzinfo=UTC)


class StoreClient:
    """What the API does with SQL, without HTTP."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sql(self, query: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        params = {name.removeprefix("param_"): value for name, value in parameters.items()}
        answer = run_readonly(self._store, Question(query, params, "JSON"), limits=Limits(), tenants=["acme"])
        rows: list[dict[str, Any]] = json.loads(answer.body)["data"]
        return rows


class Listening(Rehearsal):
    """A rehearsal that keeps its signals."""

    def __init__(self) -> None:
        super().__init__(POLICY)
        self.emitted: list[bytes] = []

    def _note(self, one: Outgoing, signals: Any) -> None:
        if one.topic == SIGNALS.name:
            self.emitted.append(one.value or b"")
        super()._note(one, signals)


def events() -> list[FilterVerdict]:
    found = [
        *spike(START, minutes=120, spike_at=90, spike_minutes=8),
        *drift(START, scores=600, falls_at=350, every=timedelta(seconds=20)),
        *spike(START + timedelta(hours=3, minutes=30), minutes=1, spike_at=9, spike_minutes=1),
    ]
    names: dict[str, FilterVerdict] = {}
    for event in found:
        names.setdefault(event.event_id, event)
    return sorted(names.values(), key=lambda event: event.at)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, list[dict[str, Any]]]]:
    fed, rehearsal = events(), Listening()
    rehearsal.feed(
        Outgoing(FILTER_VERDICTS.name, f"{one.tenant}|{one.subject}".encode(),
                 one.model_dump_json(exclude_none=True).encode(), timestamp_ms=int(one.at.timestamp() * 1000) + 1)
        for one in fed
    )  # fmt: skip
    for store in fresh_store(tmp_path_factory.mktemp("clickhouse")):
        archiver = new_archiver(store)
        archiver.store_batch(Batch(FILTER_VERDICTS.name, 0, records(fed)))
        kept = [raw(value, place, at=START + timedelta(days=1)) for place, value in enumerate(rehearsal.emitted)]
        archiver.store_batch(Batch(SIGNALS.name, 0, kept))
        yield store, [json.loads(value) for value in rehearsal.emitted]


async def test_a_rise_says_with_how_many_fewer_it_would_not_have_paged(stored: Any) -> None:
    store, signals = stored
    rise = next(one for one in signals if one["detector"] == "category_spike" and one["level"] == "page")
    found = await explain(StoreClient(store), rise["id"], policy=POLICY)
    assert found.replay.reproduced
    fewer = found.replay.fewer
    assert fewer is not None
    assert fewer.level == "page"
    assert fewer.silent_at is None or fewer.silent_at < fewer.count
    text = "\n".join(lines(found))
    assert rise["words"] in text
    assert "Expected" in text
    assert document(found)["replay"]["fewer"]["count"] == fewer.count


async def test_a_fall_names_the_lowest_scores_that_made_it(stored: Any) -> None:
    store, signals = stored
    fall = next(one for one in signals if one["detector"] == "groundedness_drift")
    found = await explain(StoreClient(store), fall["id"], policy=POLICY)
    assert found.replay.reproduced
    assert found.replay.scores is not None
    assert found.replay.scores.without
    assert "taken lowest first" in "\n".join(lines(found))


async def test_another_policy_is_named_and_does_not_pretend(stored: Any) -> None:
    store, signals = stored
    found = await explain(StoreClient(store), signals[0]["id"], policy=load_policy("azure-default"))
    assert f"it was concluded under {POLICY.version}" in "\n".join(lines(found))
