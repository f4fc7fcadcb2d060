"""One stack for the whole run, a user of its own for each test."""

import uuid
from collections.abc import Callable

import pytest

from infra.local.stack import Stack

from .polling import eventually
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


@pytest.fixture
def held(stack, storage):
    """Events wait in the queue until the test calls this, or ends: what happens before is the client's doing alone."""
    lambdas, function = stack.client("lambda"), stack.outputs.functions["generate-thumbnails"]
    (mapping,) = lambdas.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]

    def release() -> None:
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    eventually(lambda: storage.waiting() == 0, "earlier events are handled")
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    yield release
    release()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The logs are read last: they are those of the whole run."""
    items.sort(key=lambda item: item.path.name == "test_logs.py")
