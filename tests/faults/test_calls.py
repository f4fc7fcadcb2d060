"""Whatever call fails, and however: the client that says again what may be said again gets what it wants, and hears nothing but the
contract's answers; an event is worked off before the queue gives it up."""

import pytest

from tests.faults import cases, matrix


@pytest.mark.parametrize("case", cases.CLIENTS + cases.UPPY + cases.EVENTS, ids=str)
def test_every_call_may_fail(world, tried, case):
    first, calls = matrix.recorded(world, case)
    assert calls, "nothing was called"
    tried.note([first])
    tried.note(matrix.run_all(world, case, tried.of(matrix.faults(calls))))
