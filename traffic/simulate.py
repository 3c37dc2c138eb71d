"""The simulation's way in: a scenario becomes a stream of items in order of event time."""

from collections.abc import Iterator

from traffic.item import Item
from traffic.render import Renderer
from traffic.requests import Traffic
from traffic.scenario import Scenario


def simulate(scenario: Scenario) -> Iterator[Item]:
    """Every request of the scenario, rendered lazily; memory holds the users and one hour of plain numbers.

    >>> from datetime import UTC, datetime
    >>> first = next(simulate(Scenario(seed=7, users=100, hours=1, start=datetime(2026, 3, 2, tzinfo=UTC))))
    >>> first.line.startswith(b'{"at":"2026-03-02T00:')
    True
    """
    traffic = Traffic(scenario)
    renderer = Renderer(traffic)
    for hour, rows in enumerate(traffic.hours()):
        yield from renderer.items(hour, rows)
