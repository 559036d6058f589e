"""Two running nodes with a ratified accord, shared by the tests of a module that do not harm them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tansiq.demo.nodes import FRANCE, MOROCCO, Node
from tests.system.world import Driver, nodes, ratified


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Node], dict[str, Driver]]]:
    """Nodes fr and ma, running, with an accord in force between them, and an officer's driver for each."""
    folder: Path = tmp_path_factory.mktemp("pair")
    with nodes(folder, [FRANCE, MOROCCO]) as made:
        for node in made.values():
            node.start()
        drivers = {name: Driver(node) for name, node in made.items()}
        try:
            ratified(drivers, ["fr", "ma"])
            yield made, drivers
        finally:
            for driver in drivers.values():
                driver.kill()
