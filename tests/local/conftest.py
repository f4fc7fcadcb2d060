"""One engine and one issuer for the launcher's own tests. No stack is deployed here."""

import pytest

from infra.local.engine import Engine
from infra.local.issuer import Issuer


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture(scope="session")
def issuer(tmp_path_factory):
    with Issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running
