"""Whatever call of the sweep fails, and however: it goes on with the rest, and the next run finishes what this one could not."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import cases, matrix
from tests.faults.kinds import KILLS
from tests.faults.matrix import Fault, Run

NOBODYS = cases.SWEPT[0]


@pytest.mark.parametrize("case", cases.SWEPT, ids=str)
def test_every_call_for_an_upload_may_fail(world, tried, case):
    first, calls = matrix.recorded(world, case)
    assert calls, "nothing was called"
    tried.note([first])
    every = tried.of(matrix.faults(calls))
    tried.note(_in_one_sweep(world, case, [fault for fault in every if fault.kind not in KILLS]))
    # One death is the end of a run.
    for fault in every:
        if fault.kind in KILLS:
            tried.note(_in_one_sweep(world, case, [fault]))


def test_every_list_may_fail(world, tried):
    """Calls that are about nobody: shards, cursors, pages."""
    world.proxy.watch(None)
    world.sweep()
    calls = list(dict.fromkeys((call.operation, call.ordinal) for call in world.proxy.of(None)))
    assert {operation.name for operation, _ in calls} == {"Query", "GetItem", "PutItem", "ListMultipartUploads", "ListObjectVersions"}
    every = tried.of(matrix.faults(calls))
    # A shard is like another: two of them are enough.
    every = [fault for fault in every if fault.operation.name != "Query" or fault.ordinal <= 2]
    for fault in every:
        client = world.client()
        grant = matrix.prepared(world, NOBODYS, client)
        world.proxy.watch(None)
        rule = matrix.armed(world, None, fault)
        run = matrix.acted(world, NOBODYS, None, client, grant)
        world.proxy.disarm(rule)
        if not rule.fired:
            run.wrong.append("the fault never came about")
        tried.note([Run(NOBODYS, fault, client, run.wrong)])


def _in_one_sweep(world, case: cases.Case, every: list[Fault]) -> list[Run]:
    """As many uploads as faults, each about another."""
    if not every:
        return []
    with ThreadPoolExecutor(matrix.AT_ONCE) as pool:
        clients = list(pool.map(lambda _: _prepared(world, case), every))
    rules = [matrix.armed(world, client.owner, fault) for client, fault in zip(clients, every, strict=True)]
    wrong = []
    try:
        case.act(world, clients[0], {})
    except AssertionError as failed:
        wrong.append(str(failed))
    runs = []
    for client, fault, rule in zip(clients, every, rules, strict=True):
        world.proxy.disarm(rule)
        never = [] if rule.fired else ["the fault never came about"]
        runs.append(Run(case, fault, client, wrong + never))
        wrong = []
    return runs


def _prepared(world, case: cases.Case):
    client = world.client()
    matrix.prepared(world, case, client)
    world.proxy.watch(client.owner)
    return client
