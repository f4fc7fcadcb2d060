"""The quick forms of `make heavy`: the client over a network that breaks, and killed."""

import pytest

from tests.heavy import files, scenarios
from tests.heavy.faults import Fault
from tests.heavy.scenarios import MIB

PART_SIZE = 5 * MIB


@pytest.mark.parametrize("fault", Fault)
def test_an_upload_survives(setting, tmp_path, fault):
    file = files.make_random(tmp_path / "film.mp4", 42 * MIB)
    outcome = scenarios.through_a_broken_network(setting, file, share=0.3, parallel=4, part_size=PART_SIZE, kinds=(fault,))
    assert set(outcome.faults) == {fault.value}
    assert outcome.anonymous < 64 * MIB


def test_an_upload_survives_everything_at_once(setting, tmp_path):
    file = files.make_sparse(tmp_path / "holes.mp4", 150 * MIB)
    outcome = scenarios.through_a_broken_network(setting, file, share=0.3, parallel=4, part_size=PART_SIZE)
    assert len(outcome.faults) >= 4


def test_a_killed_upload_is_resumed_and_sends_nothing_twice_but_what_was_under_way(setting, tmp_path):
    file = files.make_random(tmp_path / "film.mp4", 64 * MIB)
    done = scenarios.killed_and_resumed(setting, file, kills=5, parallel=4, part_size=PART_SIZE)
    assert done.killed == 5
