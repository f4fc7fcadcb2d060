"""Whatever happens to uploads, in whatever order: what the API answers, what the CDN gives out and what lies in the bucket is what the model
of an upload's life says, and at the end nothing is lost, left over or in doubt."""

import time

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.histories.machine import Histories

FIXED, FIXED_STEPS = 12, 20
RANDOM_STEPS = 40


def test_nothing_is_lost_and_nobody_gets_in_whatever_happens_in_whatever_order(request, world, kept):
    asked = request.config.getoption("--histories")
    began = time.monotonic()
    chosen = settings(
        max_examples=asked or FIXED,
        stateful_step_count=RANDOM_STEPS if asked else FIXED_STEPS,
        derandomize=not asked,
        database=None,
        deadline=None,
        # Each is made as short as it gets, and printed as the calls that play it.
        phases=[Phase.generate, Phase.shrink],
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.normal,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(lambda: Histories(world, kept), settings=chosen)
    finally:
        print(f"{kept.count} histories of {kept.steps} steps in {time.monotonic() - began:.0f} seconds, {kept.repeated} calls repeated")
