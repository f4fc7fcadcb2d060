"""The quick form of the abandoned grants."""

import sys

import pytest

from tests.heavy import client, grants
from tests.heavy.scenarios import Setting
from tests.heavy.stack import HeavyStack


@pytest.fixture
def setting(tmp_path):
    with HeavyStack(tmp_path, settings=grants.SHORT) as running:
        yield Setting(running, client.built(), tmp_path, lambda text: print(text, file=sys.stderr))


def test_nothing_is_left_of_forty_grants_of_which_half_were_abandoned(setting):
    swept = grants.abandon_and_sweep(setting, 40, is_patient=False)
    assert swept.open_multiparts_before > 0
    assert set(swept.states) == {"ready", "expired", "cancelled"}
