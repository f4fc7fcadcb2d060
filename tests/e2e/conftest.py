"""One stack for the whole run, a user of its own for each test."""

import uuid
from collections.abc import Callable

import pytest

from infra.local.stack import Stack

from .storage import Storage
from .user import Secrets, User


@pytest.fixture(scope="session")
def stack():
    with Stack() as running:
        yield running


@pytest.fixture(scope="session")
def storage(stack) -> Storage:
    return Storage(stack)


@pytest.fixture(scope="session")
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture(scope="session")
def new_user(stack, secrets) -> Callable[[], User]:
    """Makes users nobody has seen before."""

    def make() -> User:
        sub = f"{uuid.uuid4()}@example.com"
        return User(stack.api_url, stack.token(sub=sub), sub, secrets)

    return make


@pytest.fixture
def user(new_user) -> User:
    return new_user()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The logs are read last: they are those of the whole run."""
    items.sort(key=lambda item: item.path.name == "test_logs.py")
