"""What is left of all runs once their time has passed: nothing is lost, nothing is over, nobody is in. Runs last."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.stack import Stack
from tests.faults.courier import THUMBNAILS
from tests.faults.invariants import Seen, counted
from tests.faults.matrix import AT_ONCE


@pytest.fixture(scope="module")
def left(world, tried) -> tuple[Seen, list[str]]:
    return world.at_rest({run.client.owner for run in tried.runs})


def test_every_row_and_every_object_is_accounted_for(left, tried):
    named = {run.client.owner: str(run) for run in tried.runs}
    wrong = []
    for what in left[1]:
        owner = next((owner for owner in named if owner in what), "")
        wrong.append(f"{named.get(owner, 'all')}: {what}")
    assert not wrong, "\n".join([f"{len(wrong)}:", *wrong])


def test_every_upload_ended_as_its_client_was_told(left, tried):
    ended: dict[str, set[str]] = {}
    for (owner, _), row in left[0].rows.items():
        ended.setdefault(owner, set()).add(row["status"])
    wrong = []
    for run in tried.runs:
        found, wanted = ended.get(run.client.owner, set()), {run.case.ends} - {None}
        if found != wanted:
            wrong.append(f"{run}: {found} and not {wanted}")
    assert not wrong, "\n".join(wrong)
    print(f"{len(tried.runs)} runs left {counted(left[0])}")


def test_nothing_was_counted_twice_and_no_secret_logged(world: "World", left, tried):
    flush(world.stack)
    world.lines.read()
    assert len(world.lines.entries) > len(tried.runs)
    wrong = world.lines.violations(world.secrets.texts) + world.lines.overcounted(left[0])
    assert not wrong, "\n".join(sorted(set(wrong)))


def flush(stack: Stack) -> None:
    """Calls each process once more: on a busy machine the engine hands a call's last line out with the next."""
    lambdas = stack.client("lambda")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for function, deployed in stack.outputs.functions.items():
            payload = b'{"Records": []}' if function == THUMBNAILS else b"{}"
            list(pool.map(lambda _, name=deployed, sent=payload: lambdas.invoke(FunctionName=name, Payload=sent), range(AT_ONCE)))
