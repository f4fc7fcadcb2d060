"""One world for all histories: each has people of its own. `--histories N` plays so many, random ones; without it a few that are always the
same. `make soak` gives it."""

import pytest

from tests.faults.world import World
from tests.histories.machine import Kept


def pytest_addoption(parser: pytest.Parser) -> None:
    """Registers `--histories`."""
    parser.addoption("--histories", type=int, default=0, help="so many random histories, each longer than the fixed ones")


@pytest.fixture(scope="session")
def world():
    with World() as running:
        running.passing.hurry(walk_pages=0)
        yield running


@pytest.fixture(scope="session")
def kept() -> Kept:
    return Kept()
