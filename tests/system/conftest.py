"""Two running nodes with a ratified accord, shared by the tests of a module that do not harm them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.world import Driver, Made, agreed


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Made], dict[str, Driver]]]:
    """Nodes fr and ma, running, with an accord in force between them, and an officer's driver for each."""
    with agreed(tmp_path_factory.mktemp("pair")) as both:
        yield both
