"""Figures that a test tells whoever runs it, captured output or not. Conftests take the fixture from here."""

from collections.abc import Callable

import pytest


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a figure beside the test's name."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")

    def tell(figure: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n  {request.node.name}: {figure}")

    return tell
