"""How the parts grow: percentiles, results that are kept, inputs of every size, the shapes of requests."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scale.crowd import Crowd, subject_of
from bench.scale.errors import NothingMeasured
from bench.scale.growth import AXES, crowd_of
from bench.scale.http import Connection, get, post
from bench.scale.lanes import Lanes
from bench.scale.latency import Clock
from bench.scale.lookups import Shape, requests_of
from bench.scale.measurement import Scale
from bench.scale.memory import KINDS
from bench.scale.plot import draw
from bench.scale.restart import states
from bench.scale.results import Results, percentile, shown
from bench.scale.rollups import on_rollups, parts, spans
from bench.scale.site import POLICY
from events import FilterVerdict, RequestLog
from events.topics import REQUEST_LOGS
from policy import load_policy
from streams.observe import ObserveLane

START = datetime(2026, 1, 1, tzinfo=UTC)
FOUND = Results("x", "X", "2 cores", ({"kind": "a", "n": 1, "ms": 0.25, "missing": None},))


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_the_share_does_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values)
    assert sum(one < found for one in values) < share * len(values)


def test_percentiles_by_rank() -> None:
    assert [percentile([4.0, 1.0, 3.0, 2.0], share) for share in (0.25, 0.5, 0.75, 0.99, 1)] == [1, 2, 3, 4, 4]


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile needs values"):
        percentile(values, share)


def test_results_come_back_as_they_were_saved(tmp_path: Path) -> None:
    FOUND.save(tmp_path)
    assert Results.load("x", tmp_path) == FOUND


def test_results_are_a_table_of_markdown_too(tmp_path: Path) -> None:
    text = FOUND.save(tmp_path).with_suffix(".md").read_text("utf-8")
    assert text == "| kind | n | ms | missing |\n| --- | ---: | ---: | ---: |\n| a | 1 | 0.25 | – |\n"


def test_what_was_never_measured_is_named(tmp_path: Path) -> None:
    with pytest.raises(NothingMeasured, match=r"bench\.scale latency"):
        Results.load("latency", tmp_path)


def test_the_table_has_a_column_per_figure() -> None:
    assert [column.header for column in FOUND.table().columns] == ["kind", "n", "ms", "missing"]
    assert list(map(shown, (1234, 1234.5, 0.1234, None, "a"))) == ["1,234", "1,234", "0.123", "–", "a"]


def test_a_crowd_takes_turns_and_every_event_is_valid() -> None:
    crowd = Crowd(200, 100, START, 100.0, offenders=0.1, series=3)
    events = [FilterVerdict.model_validate_json(one.value) for one in crowd.part(0, 200)]
    assert len({one.subject for one in events[:100]}) == 100
    assert {one.subject for one in events[:100]} == {one.subject for one in events[100:]}
    assert len({one.event_id for one in events}) == 200
    assert len({one.model for one in events}) == 3
    assert events[0].at == START
    assert events[-1].at == START + timedelta(seconds=99.5)


def test_offenders_have_every_second_request_blocked() -> None:
    events = [FilterVerdict.model_validate_json(one.value) for one in Crowd(400, 100, START, 1.0, 0.1).part(0, 400)]
    blocked = [one.subject for one in events if one.state == "blocked"]
    assert len(blocked) == 20
    assert len(set(blocked)) == 10


def test_a_crowd_is_the_same_however_it_is_cut() -> None:
    crowd = Crowd(50, 7, START, 5.0)
    assert [*crowd.part(0, 20), *crowd.part(20, 99)] == [*crowd.part(0, 50)]


def test_request_logs_belong_to_the_verdicts() -> None:
    crowd = Crowd(50, 7, START, 5.0)
    for number in range(14):
        log = RequestLog.model_validate_json(crowd.request(number).value)
        verdict = FilterVerdict.model_validate_json(crowd.event(number).value)
        assert (log.subject, log.request_id, log.at) == (verdict.subject, verdict.request_id, verdict.at)
        assert crowd.request(number).key == crowd.event(number).key


@given(st.sets(st.integers(0, 2**25 - 1), min_size=2, max_size=20))
def test_no_two_people_share_a_pseudonym(people: set[int]) -> None:
    names = {subject_of(person) for person in people}
    assert len(names) == len(people)
    assert {len(name) for name in names} == {29}


def test_lanes_apply_everything_once() -> None:
    crowd, lanes = Crowd(3_000, 300, START, 600.0), Lanes(3)
    lanes.feed(crowd.part(0, 3_000))
    lanes.feed((crowd.request(number) for number in range(500)), topic=REQUEST_LOGS.name)
    assert (lanes.applied(), lanes.applied(REQUEST_LOGS.name)) == (3_000, 500)
    assert sum(len(lane.judges.subjects) for lane in lanes.lanes) == 300
    assert lanes.cpu_seconds > 0


def test_the_kept_states_bring_every_subject_back() -> None:
    policy = load_policy("azure-default")
    lanes = [ObserveLane(number, policy=policy, partitions=4) for number in range(4)]
    for (partition, key), value in states(200).items():
        lanes[partition].restore(key, value)
    assert sum(len(lane.judges.subjects) for lane in lanes) == 200


@pytest.mark.parametrize("axis", AXES)
def test_growth_changes_one_axis_at_a_time(axis: str) -> None:
    first, last = crowd_of(axis, AXES[axis][0]), crowd_of(axis, AXES[axis][-1])
    fields = ("events", "subjects", "series", "offenders")
    differing = [name for name in fields if getattr(first, name) != getattr(last, name)]
    assert differing == ([] if axis == "partitions" else [axis])


def test_sizes_end_with_the_one_asked_for() -> None:
    assert Scale("embedded").steps(1_000_000) == [10_000, 100_000, 1_000_000]
    assert (Scale("embedded").sized(0.01).subjects, Scale("embedded").sized(0.01).verdicts) == (10_000, 1_000_000)


@given(st.integers(1, 10_000), st.integers(1, 3_000))
def test_parts_cover_everything_from_the_end(total: int, at_once: int) -> None:
    found = list(parts(total, at_once))
    assert [number for first, count in reversed(found) for number in range(first, first + count)] == [*range(total)]
    assert all(0 < count <= at_once for _, count in found)


def test_every_query_on_rollups_is_measured() -> None:
    names = {one.name for one in on_rollups()}
    assert {"blocked_rate", "by_model", "severity_distribution"} <= names
    assert "top_subjects" not in names
    known = {name for one in on_rollups() for name in one.parameters}
    assert {name for params in spans(START).values() for name in params} <= known


def test_half_of_the_lookups_are_of_enforced_subjects() -> None:
    single = b"".join(islice(requests_of(Shape(1), "t"), 4))
    assert [single.count(subject_of(person).encode()) for person in range(5)] == [1, 1, 1, 1, 0]
    batch = next(iter(requests_of(Shape(1, batch=3), "t")))
    asked = msgspec.json.decode(batch.partition(b"\r\n\r\n")[2])
    assert [one["subject"] for one in asked["subjects"]] == [subject_of(person) for person in range(3)]


def test_latencies_are_of_the_first_sight_and_of_nobody_else() -> None:
    clock = Clock()
    clock.sent["a"] = 0.0
    for step in clock.seen:
        clock.note(step, "a")
        clock.note(step, "a")
        clock.note(step, "stranger")
    row = clock.row(5.0)
    assert (row["background events/s"], row["probes"], row["enforced"]) == (5.0, 1, 1)
    assert row["signals p50 ms"] == row["signals p99 ms"]
    clock.sent["b"] = 0.0
    assert clock.row(5.0)["gateway p99 ms"] is None


async def test_the_client_reads_answers_of_any_length_on_one_connection() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for body in (b"", b"x" * 70_000):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, Connection.open(server.sockets[0].getsockname()[1]) as connection:
        found = [await connection.ask(get("/", "t")) for _ in range(2)]
    assert [(one.status, len(one.body)) for one in found] == [(200, 0), (200, 70_000)]


def test_a_request_says_how_long_its_body_is() -> None:
    assert post("/x", "t", b"12345").endswith(b"content-length: 5\r\n\r\n12345")


def test_the_policy_of_the_latency_acts_at_once() -> None:
    policy = load_policy(str(POLICY)).policy
    assert policy.mode == "enforce"
    assert policy.detectors.repeat_offender.violation_gap == timedelta(0)


def test_pictures_are_small(tmp_path: Path) -> None:
    growth = [{"axis": axis, "size": size, "events per CPU second": 1e5} for axis in AXES for size in AXES[axis]]
    memory = [{"kept": kind, "subjects": size, "MB": size / 1e3} for kind in KINDS for size in (10, 100)]
    restart = [{"subjects": 10, "versions": 1, "after kill -9 s": 10.0, "first start s": 5.0, "decode s": 0.1}]
    steps = ("signals", "enforcements", "gateway")
    times = {f"{step} {share} ms": 100.0 for step in steps for share in ("p50", "p99")}
    for name, rows in {"growth": growth, "memory": memory, "restart": restart}.items():
        Results(name, name, "", tuple(rows)).save(tmp_path)
    latency = ({"background events/s": 0.0} | times, {"background events/s": 2e4} | times)
    Results("latency", "", "", latency).save(tmp_path)
    pictures = draw(tmp_path, tmp_path / "plots")
    assert len(pictures) == len(AXES) + 3
    assert all(0 < path.stat().st_size < 100_000 for path in pictures)
