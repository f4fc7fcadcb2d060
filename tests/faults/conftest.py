"""One world for the whole run. `--whole` tries every fault and not only the fast part; `make soak` gives it."""

from dataclasses import dataclass, field

import pytest

from tests.faults.matrix import Fault, Run, Turns
from tests.faults.world import World


@dataclass
class Tried:
    """The runs of all tests, for those that look at what is left at the end."""

    is_whole: bool
    turns: Turns = field(default_factory=Turns)
    runs: list[Run] = field(default_factory=list)

    def of(self, every: list[Fault]) -> list[Fault]:
        """All of these faults, or the fast part."""
        return every if self.is_whole else self.turns.pick(every)

    def note(self, runs: list[Run]) -> None:
        """Keeps the runs, and fails if anything was wrong with one."""
        self.runs += runs
        wrong = [f"{run}: {what}" for run in runs for what in run.wrong]
        assert not wrong, "\n".join([f"{len(wrong)} of {len(runs)} runs:", *wrong])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Registers `--whole`."""
    parser.addoption("--whole", action="store_true", help="every fault of every call; half an hour")


@pytest.fixture(scope="session")
def world():
    with World() as running:
        yield running


@pytest.fixture(scope="session")
def tried(request) -> Tried:
    return Tried(request.config.getoption("--whole"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The sweep goes past all that lies in the bucket: it comes while there is little. What is left is that of all runs, and after it come
    tests that break things on purpose."""
    order = {"test_sweep.py": 0, "test_completeness.py": 2, "test_what_is_left.py": 2, "test_invariants.py": 3, "test_proxy.py": 3}
    items.sort(key=lambda item: order.get(item.path.name, 1))
