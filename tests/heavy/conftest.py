"""One stack for the quick forms; each starts with an empty bucket."""

import sys

import pytest

from tests.heavy import client
from tests.heavy.scenarios import Setting
from tests.heavy.stack import HeavyStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    with HeavyStack(tmp_path_factory.mktemp("stack"), bytes_per_second=80e6) as running:
        yield running


@pytest.fixture
def setting(stack, tmp_path):
    return Setting(stack, client.built(), tmp_path, lambda text: print(text, file=sys.stderr))
