"""One stack for the attacks, and as many strangers on it as a test wants."""

from collections.abc import Iterator

import pytest

from infra.local.stack import Stack
from tests.e2e.conftest import new_user, secrets, storage, user  # noqa: F401  fixtures

from .owners import Attacker, attacker_of


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


@pytest.fixture(scope="session")
def mallory(new_user) -> Attacker:  # noqa: F811
    """Somebody with a good token, who is not whom a test is about."""
    return attacker_of(new_user())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The logs are read last: they are those of the whole run."""
    items.sort(key=lambda item: item.path.name == "test_logs.py")
