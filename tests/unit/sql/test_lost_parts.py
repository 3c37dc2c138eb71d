"""Which notes of a deduplication log are taken back, by the files that ClickHouse leaves."""

from pathlib import Path

import pytest

from sql.lost_parts import forget_lost_parts

FIRST, SECOND = "1\tall_1_1_1\tall_12_34\n", "1\tall_2_2_0\tall_56_78\n"


def table(folder: Path, *, notes: dict[str, str], parts: tuple[str, ...], killed: bool = True) -> Path:
    home = folder / "store" / "4ca" / "4ca2ec37-982b-4f81-ae11-33bca9140f96"
    for part in ("deduplication_logs", "detached", *parts):
        (home / part).mkdir(parents=True)
    for name, text in notes.items():
        (home / "deduplication_logs" / f"deduplication_log_{name}.txt").write_text(text)
    if killed:
        (folder / "status").write_text("PID: 1\n")
    return home / "deduplication_logs"


@pytest.mark.parametrize(
    "parts",
    [
        ("all_1_1_1",),
        ("all_1_1_1", "tmp_insert_all_2_2_0"),
        ("all_1_1_1", "20261122_2_2_0"),
        ("all_1_1_1", "all_3_3_0"),
        (),
    ],
)
def test_the_last_note_goes_when_its_part_is_not_there(tmp_path: Path, parts: tuple[str, ...]) -> None:
    notes = table(tmp_path, notes={"1": FIRST + SECOND}, parts=parts)
    assert forget_lost_parts(tmp_path) == 1
    assert (notes / "deduplication_log_1.txt").read_text() == FIRST


@pytest.mark.parametrize("parts", [("all_2_2_0",), ("all_2_2_0_7",), ("all_1_2_1",), ("all_1_30_4_9",)])
def test_it_stays_when_its_part_is_there_or_was_merged(tmp_path: Path, parts: tuple[str, ...]) -> None:
    notes = table(tmp_path, notes={"1": FIRST + SECOND}, parts=parts)
    assert forget_lost_parts(tmp_path) == 0
    assert (notes / "deduplication_log_1.txt").read_text() == FIRST + SECOND


@pytest.mark.parametrize("last", ["2\tall_2_2_0\tall_56_78\n", "1\tsomething\tall_56_78\n", "?\n"])
def test_a_note_of_anything_else_stays(tmp_path: Path, last: str) -> None:
    table(tmp_path, notes={"1": FIRST + last}, parts=())
    assert forget_lost_parts(tmp_path) == 0


def test_half_a_note_goes(tmp_path: Path) -> None:
    notes = table(tmp_path, notes={"1": FIRST + SECOND[:9]}, parts=("all_1_1_1", "all_2_2_0"))
    assert forget_lost_parts(tmp_path) == 1
    assert (notes / "deduplication_log_1.txt").read_text() == FIRST


def test_the_last_note_is_that_of_the_newest_file_that_has_one(tmp_path: Path) -> None:
    notes = table(tmp_path, notes={"9": FIRST, "10": SECOND, "11": ""}, parts=("all_1_1_1",))
    assert forget_lost_parts(tmp_path) == 1
    assert [(notes / f"deduplication_log_{name}.txt").read_text() for name in (9, 10, 11)] == [FIRST, "", ""]


def test_after_an_orderly_end_nothing_is_touched(tmp_path: Path) -> None:
    table(tmp_path, notes={"1": FIRST + SECOND}, parts=(), killed=False)
    assert forget_lost_parts(tmp_path) == 0


def test_a_folder_that_is_not_there_yet_has_lost_nothing(tmp_path: Path) -> None:
    assert forget_lost_parts(tmp_path / "new") == 0
