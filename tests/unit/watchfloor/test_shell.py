import io
import json
from contextlib import redirect_stderr
from datetime import UTC, datetime

import pytest
import structlog
import typer
from rich.console import Console

from api.alert_feed import AlertFeed
from api.views import Views
from sql.totals import Totals
from watchfloor.errors import Unfulfilled
from watchfloor.reconcile import Cell, Reconciliation
from watchfloor.screen import Screen
from watchfloor.shell import log_to_stderr, now, told_plainly


def test_a_user_error_is_one_line_and_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, told_plainly():
        raise Unfulfilled("the bar was not reached")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "watchfloor: the bar was not reached\n"


def test_a_bug_keeps_its_trace() -> None:
    with pytest.raises(ZeroDivisionError), told_plainly():
        raise ZeroDivisionError


def test_the_clock_is_aware_and_in_utc() -> None:
    assert now().utcoffset() == datetime.now(UTC).utcoffset()  # noqa: TID251  compared with the clock itself


def test_log_lines_are_json_with_the_event_name() -> None:
    with redirect_stderr(io.StringIO()) as err:
        log_to_stderr()
        structlog.get_logger().info("lane_opened", partition=3)
        structlog.get_logger().debug("unseen")
    structlog.reset_defaults()
    (line,) = err.getvalue().splitlines()
    assert {"event": "lane_opened", "partition": 3, "level": "info"}.items() <= json.loads(line).items()


def test_the_screen_prints_a_line_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    with Screen(Console(file=out, width=200), views=Views.empty("e"), feed=AlertFeed("e")) as screen:
        screen.show(Totals(10, 1, 1, 0))
        screen.show(Totals(20, 1, 1, 0))
    assert out.getvalue().splitlines() == [
        "0 events/s stored  ·  10 events  ·  1 signals  ·  1 decisions  ·  0 incidents"
    ]


def test_the_screen_draws_on_a_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with Screen(console, views=Views.empty("e"), feed=AlertFeed("e")) as screen:
        screen.show(Totals(10, 1, 1, 0))
    assert "10 events" in out.getvalue()


def test_a_reconciliation_names_the_cells_that_differ() -> None:
    one, other = Cell("t", "2026-11-02 08:00", "hate", "clean"), Cell("t", "2026-11-02 08:01", "hate", "blocked")
    same = Reconciliation.of([(one, 2)], [(one, 2)], [(one, 2)])
    lost = Reconciliation.of([(one, 2), (other, 1)], [(one, 2)], [(one, 3)])
    assert same.differences == []
    assert lost.differences == [(one, 2, 2, 3), (other, 1, 0, 0)]
    assert lost.summary() == "2 cells: sent 3, raw 2, rollup 3; 2 differ"
